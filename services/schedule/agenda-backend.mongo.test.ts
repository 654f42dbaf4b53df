// Wake-up calls that several schedulers share in MongoDB: one job for one call, given to one of them, also when its planner is gone.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { untilTrue } from '../../test/eventual-fact.js';
import { connectThroughProxy, mongoSuite } from '../../test/mongo-server.js';
import type { TestDatabase } from '../../test/mongo-server.js';
import { openMongoAgendaBackend } from './agenda-backend.mongo.js';
import { createAgendaJobs } from './jobs.agenda.js';
import { jobsContract } from './jobs.contract.js';
import type { Jobs } from './jobs.js';

const PAST = '2020-01-01T00:00:00.000Z';
const AHEAD = '2095-01-01T00:00:00.000Z';

await mongoSuite('wake-up calls contract', (open) => {
  jobsContract('MongoDB', async () => {
    const database = open();
    return { backend: await openMongoAgendaBackend(database.db, { onAway: () => undefined, signal: new AbortController().signal }), dispose: () => database.dispose() };
  });
});

await mongoSuite('wake-up calls shared in MongoDB', (open) => {
  let database: TestDatabase;
  let schedulers: Jobs[];
  let woken: string[];
  let reasons: unknown[];
  let stopping: AbortController;
  beforeEach(() => {
    database = open();
    schedulers = [];
    woken = [];
    reasons = [];
    stopping = new AbortController();
  });
  afterEach(async () => {
    for (const jobs of schedulers) await jobs.stop();
    await database.dispose();
  });

  const openBackend = (db: Db, withinMs = 60_000) =>
    openMongoAgendaBackend(db, { onAway: (error) => reasons.push(error), signal: stopping.signal, withinMs });
  const scheduler = async (name: string, db = database.db): Promise<Jobs> => {
    const jobs = createAgendaJobs(await openBackend(db), () => undefined);
    schedulers.push(jobs);
    await jobs.start((clusterId) => woken.push(`${clusterId} by ${name}`));
    return jobs;
  };
  const kept = () => database.db.collection('jobs').countDocuments();

  test('the same call planned by several schedulers is one job, until one of them plans another', async () => {
    const [one, other] = [await scheduler('one'), await scheduler('other')];
    for (const jobs of [one, other, one]) await jobs.schedule('a', AHEAD);
    expect(await kept()).toBe(1);
    await other.schedule('a', '2096-01-01T00:00:00.000Z');
    await one.schedule('a', '2096-01-01T00:00:00.000Z');
    expect(await kept()).toBe(1);
  });

  test('of many due calls each wakes one scheduler, and none is left', async () => {
    const clusters = Array.from({ length: 20 }, (_, n) => `c${n}`);
    const planner = await scheduler('planner');
    await scheduler('helper');
    for (const clusterId of clusters) await planner.schedule(clusterId, PAST);
    await untilTrue('no job is left', async () => await kept() === 0);
    expect(new Set(woken.map((one) => one.split(' ')[0]))).toEqual(new Set(clusters));
  });

  test('a call is given to another scheduler when the one that planned it has ended', async () => {
    const gone = await scheduler('gone');
    const soon = new Date(Date.now() + 1_500).toISOString();
    await gone.schedule('a', soon);
    await gone.stop();
    await scheduler('left');
    await untilTrue('the cluster is woken', () => woken.includes('a by left'));
  });

  test('a scheduler that starts while MongoDB is away says why, once, and waits for it', async () => {
    const connection = await connectThroughProxy(database);
    connection.proxy.setFault({ kind: 'refuse' });
    const starting = scheduler('late', connection.db);
    await untilTrue('it says why it waits', () => reasons.length > 0);
    connection.proxy.setFault(null);
    const late = await starting;
    expect(reasons).toEqual([expect.objectContaining({ code: 'STORE_UNAVAILABLE' })]);
    await late.schedule('a', PAST);
    await untilTrue('the cluster is woken', () => woken.includes('a by late'));
    await late.stop();
    await connection.close();
  });

  test('a scheduler that MongoDB keeps waiting ends its start with the reason, or at once where it is told to stop', async () => {
    const connection = await connectThroughProxy(database);
    connection.proxy.setFault({ kind: 'refuse' });
    await expect(openBackend(connection.db, 0)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('Jobs in MongoDB') });
    connection.proxy.setFault({ kind: 'stall', afterBytes: 0 });
    const struck = connection.proxy.nextStrike();
    const opening = expect(openBackend(connection.db)).rejects.toMatchObject({ name: 'AbortError' });
    await struck;
    stopping.abort();
    await opening;
    expect(reasons).toEqual([]);
    await connection.close();
  });
});
