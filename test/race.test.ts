// Workers that meet over one snapshot: a race for the claim, a worker that stalls past its lease and comes back, clocks that jump.
// In process, on the embedded adapters and a real etcd; what happens when is decided by gates, never by luck.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { ulid } from 'ulid';
import type { DomainEvent } from '../events/catalogue.js';
import { connectEtcd } from '../services/etcd/etcd-client.js';
import type { ConnectEtcd } from '../services/etcd/etcd.js';
import type { CommandHandler } from '../services/ledger/command-handler.js';
import { slotRequest } from '../services/schedule/slot-request.js';
import { type EmbeddedWorkers, createEmbeddedWorkers } from './embedded-workers.js';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { filesBelow } from './snapkeep-calls.js';

const clusterId = 'contended';
const shortLeaseMs = 300;

let etcd: TestEtcd;
let workers: EmbeddedWorkers;

beforeAll(async () => {
  etcd = await startEtcd();
  await putKeys(etcd.connection, { count: 500 });
});
beforeEach(async () => {
  workers = await createEmbeddedWorkers();
  await workers.register(clusterId, etcd.connection);
});
afterEach(() => workers.dispose());
afterAll(() => etcd.stop());

const countOf = (events: readonly DomainEvent[], type: DomainEvent['type']): number => events.filter((event) => event.type === type).length;
const attemptsStored = async (): Promise<readonly (string | undefined)[]> =>
  (await filesBelow(workers.localPath)).filter((file) => file.endsWith('/snapshot.db')).map((file) => file.split('/').at(-2));

/** Closed, it holds whoever passes; how many wait is a fact to be awaited. */
function createGate() {
  const opened = Promise.withResolvers<void>();
  let closed = false;
  let waiting = 0;
  return {
    close: () => { closed = true; },
    open: () => {
      closed = false;
      opened.resolve();
    },
    waiting: () => waiting,
    async pass(): Promise<void> {
      if (!closed) return;
      waiting += 1;
      await opened.promise;
    },
  };
}
type Gate = ReturnType<typeof createGate>;

/** From the first command of this type on, the worker is as if its process were frozen. */
function stalledFrom(type: string, gate: Gate) {
  return (commands: CommandHandler): CommandHandler => ({
    ...commands,
    executeCluster: async (id, command, context) => {
      if (command.type === type) gate.close();
      await gate.pass();
      return commands.executeCluster(id, command, context);
    },
  });
}

/** Each stream waits at its start until the gate opens. */
const connectThrough = (gate: Gate): ConnectEtcd => (connection) => {
  const real = connectEtcd(connection);
  return {
    ...real,
    async openSnapshot(endpoint, request) {
      const stream = await real.openSnapshot(endpoint, request);
      return {
        ...stream,
        async *[Symbol.asyncIterator]() {
          await gate.pass();
          yield* stream;
        },
      };
    },
  };
};

test('of two workers that claim one request at once, one takes it and the other does nothing', async () => {
  let arrived = 0;
  let both = Promise.withResolvers<void>();
  const beforeClaim = async (): Promise<void> => {
    arrived += 1;
    if (arrived % 2 === 0) both.resolve();
    await both.promise;
  };
  for (const name of ['one', 'two']) workers.start({ name, beforeClaim });
  for (const round of [1, 2, 3, 4, 5]) {
    both = Promise.withResolvers<void>();
    const snapshotId = await workers.request(clusterId);
    await workers.until(snapshotId, 'SnapshotTaken');
    const told = await workers.told(snapshotId);
    expect([arrived, countOf(told, 'SnapshotStarted'), countOf(told, 'SnapshotPartTaken'), countOf(told, 'SnapshotTaken')]).toEqual([round * 2, 1, 1, 1]);
  }
  expect(await filesBelow(workers.localPath)).toHaveLength(5 * 2);
});

test.each([
  { moment: 'before it stored its copy', type: 'ReportProgress', storedMeanwhile: ['2'] },
  { moment: 'after it stored its copy', type: 'RecordPartTaken', storedMeanwhile: ['1', '2'] },
])('a worker that stalls past its lease $moment and comes back is refused, and withdraws what it stored', async ({ type, storedMeanwhile }) => {
  const gate = createGate();
  const stalled = workers.start({ name: 'stalled', leaseMs: shortLeaseMs, throughCommands: stalledFrom(type, gate) });
  const snapshotId = await workers.request(clusterId);
  await untilTrue('the first worker stalls', () => gate.waiting() > 0);
  workers.start({ name: 'other', leaseMs: shortLeaseMs });
  await workers.until(snapshotId, 'SnapshotTaken');
  expect(await attemptsStored()).toEqual(storedMeanwhile);

  gate.open();
  await untilTrue('the stalled worker has given up', () => stalled.state().running === 0);
  expect(await attemptsStored()).toEqual(['2']);
  expect(await filesBelow(workers.localPath)).toHaveLength(2);
  const told = await workers.told(snapshotId);
  expect(told.filter((event) => event.type === 'SnapshotStarted').map(({ data }) => [data.attempt, data.worker])).toEqual([[1, 'stalled'], [2, 'other']]);
  expect([countOf(told, 'SnapshotPartTaken'), countOf(told, 'SnapshotTaken'), countOf(told, 'SnapshotPartFailed')]).toEqual([1, 1, 0]);
  expect(told.at(-1)).toMatchObject({ type: 'SnapshotTaken', data: { copies: [{ keys: [{ key: expect.stringMatching(/\/2\/snapshot\.db$/) }, expect.anything()] }] } });
});

test.each(['ReportProgress', 'RecordPartTaken'])('a worker whose %s comes late, while its successor still reads, is fenced by its attempt number', async (type) => {
  const [gate, reading] = [createGate(), createGate()];
  reading.close();
  const stalled = workers.start({ name: 'stalled', leaseMs: shortLeaseMs, throughCommands: stalledFrom(type, gate) });
  const snapshotId = await workers.request(clusterId);
  await untilTrue('the first worker stalls', () => gate.waiting() > 0);
  workers.start({ name: 'other', leaseMs: shortLeaseMs, connect: connectThrough(reading) });
  await untilTrue('the successor reads', () => reading.waiting() > 0);

  gate.open();
  await untilTrue('the stalled worker has given up', () => stalled.state().running === 0);
  expect(await attemptsStored()).toEqual([]);
  expect(countOf(await workers.told(snapshotId), 'SnapshotPartTaken')).toBe(0);
  reading.open();
  expect(await workers.until(snapshotId, 'SnapshotPartTaken')).toMatchObject({ data: { attempt: 2 } });
  await workers.until(snapshotId, 'SnapshotTaken');
  expect(await attemptsStored()).toEqual(['2']);
});

test('a slow worker that renews its lease is left alone for many leases, whatever the wall clocks say', async () => {
  const gate = createGate();
  gate.close();
  let reading = 0;
  const jumping = (): string => new Date(Date.UTC(2026, 10, 23) + (reading++ % 2 === 0 ? 1 : -1) * 400 * 86_400_000).toISOString();
  workers.start({ name: 'slow', leaseMs: shortLeaseMs, connect: connectThrough(gate), now: jumping });
  const snapshotId = await workers.request(clusterId);
  await untilTrue('the slow worker reads', () => gate.waiting() > 0);
  workers.start({ name: 'other', leaseMs: shortLeaseMs, now: jumping });
  await workers.until(snapshotId, 'SnapshotProgressed', 12);
  gate.open();
  await workers.until(snapshotId, 'SnapshotTaken');
  const told = await workers.told(snapshotId);
  expect(told.filter((event) => event.type === 'SnapshotStarted').map(({ data }) => [data.attempt, data.worker])).toEqual([[1, 'slow']]);
  expect(await attemptsStored()).toEqual(['1']);
});

test('a clock that jumps ahead and back takes no slot twice, and silences nobody', async () => {
  let now = '2026-11-23T12:00:00.500Z';
  const change = { cron: '0 * * * * *', recurringEnabled: true };
  const context = { actor: 'test', correlationId: 'test', causationId: 'test' };
  await workers.commands.executeCluster(clusterId, { type: 'UpdatePolicy', change, expectedRevision: null, now }, context);
  const ask = slotRequest({ commands: workers.commands, now: () => now, newUlid: () => ulid() });
  workers.start({ name: 'worker' });

  const slotAsked = async (slot: string): Promise<string | null> => {
    const before = (await slots()).length;
    const answer = await ask(clusterId, slot);
    await untilTrue('nothing runs', async () => (await openSnapshots()) === 0);
    return (await slots()).length > before ? 'requested' : answer;
  };
  const slots = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { event } of workers.store.readAll()) if (event.type === 'SnapshotRequested' && event.data.slot !== null) found.push(event.data.slot);
    return found;
  };
  const openSnapshots = async (): Promise<number> => {
    const state = await workers.commands.clusterState(clusterId);
    return [...state.snapshots.values()].filter(({ phase }) => phase !== 'ENDED').length;
  };

  const [today, nextYear, nextMinute] = ['2026-11-23T12:00:00.000Z', '2027-11-23T12:00:00.000Z', '2026-11-23T12:01:00.000Z'];
  expect(await slotAsked(today)).toBe('requested');
  expect(await slotAsked(nextYear)).toBe('early');
  now = '2027-11-23T12:00:00.500Z';
  expect(await slotAsked(nextYear)).toBe('requested');
  now = '2026-11-23T12:00:30.000Z';
  expect(await slotAsked(nextMinute)).toBe('early');
  expect(await slotAsked(today)).toBe('settled');
  now = '2026-11-23T12:01:00.100Z';
  expect(await slotAsked(nextMinute)).toBe('requested');
  expect(await slotAsked(nextMinute)).toBe('settled');
  now = '2027-11-23T12:00:01.000Z';
  expect(await slotAsked(nextYear)).toBe('settled');
  expect(await slots()).toEqual([today, nextYear, nextMinute]);
});
