// Wake-up calls that several schedulers share in MongoDB: one job for one call, given to one of them, also when its planner is gone.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { untilTrue } from '../../test/eventual-fact.js';
import { connectThroughProxy, mongoSuite } from '../../test/mongo-server.js';
import type { TestDatabase } from '../../test/mongo-server.js';
import { createMongoAgendaBackend } from './agenda-backend.mongo.js';
import { createAgendaJobs } from './jobs.agenda.js';
import { jobsContract } from './jobs.contract.js';
import type { Jobs } from './jobs.js';

const PAST = '2020-01-01T00:00:00.000Z';
const AHEAD = '2095-01-01T00:00:00.000Z';

await mongoSuite('wake-up calls contract', (open) => {
  jobsContract('MongoDB', () => {
    const database = open();
    return { backend: createMongoAgendaBackend(database.db, () => undefined), dispose: () => database.dispose() };
  });
});

await mongoSuite('wake-up calls shared in MongoDB', (open) => {
  let database: TestDatabase;
  let schedulers: Jobs[];
  let woken: string[];
  let reasons: unknown[];
  beforeEach(() => {
    database = open();
    schedulers = [];
    woken = [];
    reasons = [];
  });
  afterEach(async () => {
    for (const jobs of schedulers) await jobs.stop();
    await database.dispose();
  });

  const scheduler = async (name: string, db = database.db): Promise<Jobs> => {
    const jobs = createAgendaJobs(createMongoAgendaBackend(db, (error) => reasons.push(error)), () => undefined);
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
    const struck = connection.proxy.nextStrike();
    const starting = scheduler('late', connection.db);
    await struck;
    connection.proxy.setFault(null);
    const late = await starting;
    expect(reasons).toEqual([expect.any(Error)]);
    await late.schedule('a', PAST);
    await untilTrue('the cluster is woken', () => woken.includes('a by late'));
    await late.stop();
    await connection.close();
  });
});
