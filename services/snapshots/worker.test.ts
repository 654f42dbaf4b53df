import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { openSqliteEventStore } from '../../events/event-store.sqlite.js';
import type { EventContext, EventStore } from '../../events/event-store.js';
import type { ClusterCommand } from '../ledger/cluster-commands.js';
import { createCommandHandler } from '../ledger/command-handler.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import { arrivals } from './arrivals.fixture.js';
import type { OpenRepair } from './open-repairs.js';
import type { Leftover, OpenPart } from './open-work.js';
import { createWorker } from './worker.js';
import type { RunEnd } from './due-runs.js';
import type { Worker, WorkerParts } from './worker.js';

const now = '2026-11-23T06:00:00.000Z';
const context: EventContext = { actor: 'test', correlationId: 'c', causationId: 'c' };
const failure = { step: 'STREAM', code: 'STREAM_BROKEN', message: 'cut' } as const;
const connection = { endpoints: ['http://127.0.0.1:1'], ca: null, clientCertificate: null, username: null, secretRef: null };

interface Run { readonly part: OpenPart; readonly takeOver: number | null; readonly signal: AbortSignal; readonly end: (end: RunEnd) => void }

let store: EventStore;
let commands: CommandHandler;
let worker: Worker | null;
let ids = 0;

beforeEach(() => {
  store = openSqliteEventStore(':memory:');
  commands = createCommandHandler({ store, now: () => now, newId: () => `id-${ids++}` });
  worker = null;
});

afterEach(async () => {
  await worker?.stop(0);
  await store.close();
});

const execute = async (command: ClusterCommand, clusterId = 'a') => {
  const executed = await commands.executeCluster(clusterId, command, context);
  if (executed.outcome === 'rejected') throw new Error(executed.rejection.rejected.message);
  return executed;
};
const register = (clusterId = 'a') => execute({ type: 'RegisterCluster', clusterId, name: clusterId, connection, legacy: true, policy: null, now }, clusterId);
const request = (snapshotId: string, clusterId = 'a') => execute({
  type: 'RequestSnapshot', snapshotId, name: snapshotId, kind: 'MANUAL', slot: null, givenName: null, idempotencyKey: null, now,
}, clusterId);
const claim = (snapshotId: string, by: string, takeOver: number | null = null) =>
  execute({ type: 'StartAttempt', snapshotId, part: 'any', worker: by, leaseMs: 30_000, takeOver });

function start(options: Partial<WorkerParts> = {}) {
  const runs = arrivals<Run>();
  const swept = arrivals<Leftover>();
  worker = createWorker({
    store, worker: 'me', nodeId: 'n1', agent: null, membership: null, agentSilenceMs: 600_000, parallel: 2, monotonicMs: () => 0, log: pino({ level: 'silent' }),
    runPart: (part, takeOver, signal) => new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(null));
      runs.push({ part: { ...part }, takeOver, signal, end: resolve });
    }),
    runPrune: async () => null,
    endSilentPart: async () => null,
    runRepair: async () => null,
    firstRepairMs: 0,
    sweep: async (leftover) => swept.push(leftover),
    ...options,
  });
  worker.start();
  return { runs, swept, worker };
}

describe('a worker', () => {
  test('reads one snapshot of a cluster at a time, the oldest first', async () => {
    await register();
    await request('a.1');
    await request('a.2');
    const { runs } = start();
    const first = await runs.next();
    expect(first).toMatchObject({ part: { snapshotId: 'a.1' }, takeOver: null });
    await claim('a.1', 'me');
    expect(runs.size()).toBe(0);
    const { position } = await execute({ type: 'RecordPartFailed', snapshotId: 'a.1', part: 'any', attempt: 1, failure, retryPausesMs: [] });
    first.end(position);
    expect(await runs.next()).toMatchObject({ part: { snapshotId: 'a.2' } });
  });

  test('does not begin again what has ended until it has seen what that appended', async () => {
    await register();
    await request('a.1');
    const held = arrivals<() => void>();
    const { runs } = start({ store: heldBack(store, 'SnapshotStarted', (release) => held.push(release)) });
    const first = await runs.next();
    await claim('a.1', 'me');
    const { position } = await execute({ type: 'RecordPartFailed', snapshotId: 'a.1', part: 'any', attempt: 1, failure, retryPausesMs: [60_000] });
    const release = await held.next();
    first.end(position);
    await register('b');
    release();
    await request('b.1', 'b');
    expect((await runs.next()).part.snapshotId).toBe('b.1');
    expect(runs.size()).toBe(0);
  });

  test('reads no more clusters at once than it may', async () => {
    for (const id of ['a', 'b', 'c']) {
      await register(id);
      await request(`${id}.1`, id);
    }
    const { runs, worker: started } = start();
    const [one, two] = [await runs.next(), await runs.next()];
    expect(started.state().running).toBe(2);
    expect(runs.size()).toBe(0);
    one.end(null);
    expect((await runs.next()).part.clusterId).not.toBe(two.part.clusterId);
  });

  test("takes over its own claim of before its start at once, naming the attempt's latest sign of life", async () => {
    await register();
    await request('a.1');
    await claim('a.1', 'me');
    const progress = await execute({ type: 'ReportProgress', snapshotId: 'a.1', part: 'any', attempt: 1, bytes: 1, totalBytes: 2 });
    const { runs } = start();
    expect(await runs.next()).toMatchObject({ part: { attempt: 1 }, takeOver: progress.state.revision });
  });

  test("leaves another's claim until its lease has run out since its last sign of life", async () => {
    await register();
    await register('b');
    await request('a.1');
    await claim('a.1', 'other');
    let clock = 0;
    const { runs } = start({ monotonicMs: () => clock });
    await request('b.1', 'b');
    expect((await runs.next()).part.clusterId).toBe('b');
    clock = 29_999;
    await request('b.2', 'b');
    expect(runs.size()).toBe(0);
    clock = 30_000;
    await request('b.3', 'b');
    expect(await runs.next()).toMatchObject({ part: { snapshotId: 'a.1', claimedBy: 'other' } });
  });

  test('leaves the copies of other nodes to their workers', async () => {
    const pruned: string[] = [];
    await register();
    for (const [index, storedOn] of ['n2', 'n1'].entries()) await storeAndDelete(`a.${index}`, storedOn);
    const runs = arrivals<string>();
    start({
      runPrune: async ({ intent }) => {
        pruned.push(intent.snapshotId);
        runs.push(intent.snapshotId);
        return null;
      },
    });
    expect(await runs.next()).toBe('a.1');
    expect(pruned).toEqual(['a.1']);
  });

  test('sweeps what an attempt left that was taken over', async () => {
    await register();
    await request('a.1');
    const { state } = await claim('a.1', 'other');
    await claim('a.1', 'third', state.revision);
    const { swept } = start();
    expect(await swept.next()).toEqual({ folder: 'a/a.1/1', targetIds: ['local'] });
  });

  test('sweeps what its own crash left as soon as the claim is taken over', async () => {
    await register();
    await request('a.1');
    const { state } = await claim('a.1', 'me');
    const { runs, swept } = start();
    await runs.next();
    await claim('a.1', 'me', state.revision);
    expect(await swept.next()).toMatchObject({ folder: 'a/a.1/1' });
  });

  test('lets what runs end when it stops, and withdraws it past the bound', async () => {
    await register();
    await request('a.1');
    const { runs, worker: started } = start();
    const running = await runs.next();
    expect(running.signal.aborted).toBe(false);
    await started.stop(0);
    expect(running.signal.aborted).toBe(true);
  });

  test('makes up for a failed copy once it is due, tries again what was refused, and ends it at a stop', async () => {
    await storedInPart('a.1');
    const repaired = arrivals<OpenRepair>();
    let refusals = 1;
    const { worker: started } = start({
      monotonicMs: () => performance.now(),
      runRepair: async (repair, signal) => {
        repaired.push(repair);
        refusals -= 1;
        if (refusals >= 0) return null;
        return new Promise((resolve) => { signal.addEventListener('abort', () => resolve(null)); });
      },
    });
    expect(await repaired.next()).toMatchObject({ snapshotId: 'a.1', targetId: 'nas', failures: 0 });
    expect(await repaired.next()).toMatchObject({ snapshotId: 'a.1', targetId: 'nas' });
    await started.stop(60_000);
    expect(repaired.size()).toBe(0);
  });

  test('says why it follows no more', async () => {
    const broken = new Error('unreadable');
    const { worker: started } = start({ store: { ...store, follow: () => { throw broken; } } });
    await started.stop(0);
    expect(started.state().failure).toBe(broken);
  });
});

/** A store whose follow stops before each event of the type until it is told to go on. */
function heldBack(inner: EventStore, type: string, hold: (release: () => void) => void): EventStore {
  async function* follow(options: Parameters<EventStore['follow']>[0]) {
    for await (const item of inner.follow(options)) {
      if (item.kind === 'event' && item.event.event.type === type) await new Promise<void>(hold);
      yield item;
    }
  }
  return { ...inner, follow };
}

const facts = { takenAt: now, revision: 1, keyCount: 1, dbSize: 1, sha256: 'ab', etcdVersion: '3.4', member: 'm', durationMs: 1 };

/** On `local`, not on `nas`. */
async function storedInPart(snapshotId: string): Promise<void> {
  await register();
  await execute({ type: 'UpdatePolicy', change: { targetIds: ['local', 'nas'] }, expectedRevision: null, now });
  await request(snapshotId);
  await claim(snapshotId, 'me');
  const failedCopies = [{ targetId: 'nas', node: null, failure }];
  await execute({ type: 'RecordPartTaken', snapshotId, part: 'any', attempt: 1, facts, copies: [localCopy('n1')], failedCopies });
}

const localCopy = (storedOn: string) => ({
  targetId: 'local', node: null, storedOn, keys: [{ key: 'k', versionId: null }], location: '/k', encoding: [], storedSize: 1, storedSha256: 'ab',
  storedAt: now, verification: 'STRUCTURE_OK' as const,
});

async function storeAndDelete(snapshotId: string, storedOn: string): Promise<void> {
  await request(snapshotId);
  await claim(snapshotId, 'me');
  await execute({ type: 'RecordPartTaken', snapshotId, part: 'any', attempt: 1, facts, copies: [localCopy(storedOn)], failedCopies: [] });
  await execute({ type: 'DeleteSnapshot', snapshotId });
}
