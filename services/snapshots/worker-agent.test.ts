// The worker beside parts of nodes: which of them it reads as an agent, and when it tells that one is silent.
// What it does with all other work is in worker.test.ts.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { untilTrue } from '../../test/eventual-fact.js';
import type { EventStore } from '../../events/event-store.js';
import { openSqliteEventStore } from '../../events/event-store.sqlite.js';
import type { ClusterCommand } from '../ledger/cluster-commands.js';
import { type CommandHandler, createCommandHandler } from '../ledger/command-handler.js';
import { arrivals } from './arrivals.fixture.js';
import { type Worker, type WorkerParts, createWorker } from './worker.js';

const now = '2026-11-23T06:00:00.000Z';
const context = { actor: 'test', correlationId: 'c', causationId: 'c' };
const connection = { endpoints: ['http://127.0.0.1:1'], ca: null, clientCertificate: null, username: null, secretRef: null };

let store: EventStore;
let commands: CommandHandler;
let worker: Worker;
let ids = 0;

beforeEach(async () => {
  store = openSqliteEventStore(':memory:');
  commands = createCommandHandler({ store, now: () => now, newId: () => `id-${ids++}` });
  await register('a');
  const members = ['n1', 'n2'].map((name) => ({ memberId: name, name, clientUrls: [], learner: false }));
  await execute('a', { type: 'ObserveMembers', members });
  for (const node of ['n1', 'n2']) await execute('a', { type: 'JoinAgent', node, worker: node, endpoint: `http://${node}` });
});
afterEach(async () => {
  await worker.stop(0);
  await store.close();
});

const execute = async (clusterId: string, command: ClusterCommand): Promise<void> => {
  const executed = await commands.executeCluster(clusterId, command, context);
  if (executed.outcome === 'rejected') throw new Error(executed.rejection.rejected.message);
};
const register = (clusterId: string) =>
  execute(clusterId, { type: 'RegisterCluster', clusterId, name: clusterId, connection, legacy: true, policy: null, now });
const request = (clusterId: string, snapshotId: string) => execute(clusterId, {
  type: 'RequestSnapshot', snapshotId, name: snapshotId, kind: 'MANUAL', slot: null, givenName: null, idempotencyKey: null, now,
});

/** Its runs of parts end when it stops, and nothing else of it appends anything. */
function start(options: Partial<WorkerParts> = {}) {
  const runs = arrivals<string>();
  worker = createWorker({
    store, worker: 'me', nodeId: 'n1', agent: null, membership: null, agentSilenceMs: 60_000, parallel: 2, firstRepairMs: 0,
    monotonicMs: () => 0, log: pino({ level: 'silent' }),
    runPart: ({ snapshotId, part }, _, signal) => new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(null));
      runs.push(`${snapshotId} ${part}`);
    }),
    endSilentPart: async () => null, runPrune: async () => null, runRepair: async () => null, sweep: async () => undefined,
    ...options,
  });
  worker.start();
  return runs;
}

test('an agent reads the part of its own node alone, beside as many others as it may', async () => {
  for (const id of ['b', 'c', 'd']) {
    await register(id);
    await request(id, `${id}.1`);
  }
  await request('a', 'a.1');
  const runs = start({ agent: { clusterId: 'a', node: 'n1', endpoint: 'http://n1' } });
  expect([await runs.next(), await runs.next(), await runs.next()].sort()).toEqual(['a.1 n1', 'b.1 any', 'c.1 any']);
  expect([worker.state().running, runs.size()]).toEqual([3, 0]);
});

test('a part of a node that nobody claims, or whose claim has lapsed, is told as silent by any worker, those behind a running snapshot are not', async () => {
  for (const id of ['a.1', 'a.2']) await request('a', id);
  await execute('a', { type: 'StartAttempt', snapshotId: 'a.1', part: 'n2', worker: 'other', leaseMs: 30_000, takeOver: null });
  let clock = 1_000;
  const silent = arrivals<string>();
  const endSilentPart: WorkerParts['endSilentPart'] = async ({ snapshotId, part }, ms) => {
    silent.push(`${snapshotId} ${part} ${ms}`);
    return null;
  };
  start({ monotonicMs: () => clock, endSilentPart });
  await untilTrue('it has caught up', () => worker.state().caughtUp);
  for (const [at, expected] of [[60_999, []], [61_000, ['a.1 n1 60000']], [91_000, ['a.1 n1 90000', 'a.1 n2 60000']]] as const) {
    clock = at;
    await register(`at-${at}`);
    for (const one of expected) expect(await silent.next()).toBe(one);
    expect(silent.size()).toBe(0);
  }
});

test('a silence that could not be recorded is told again soon, and counts on from where it began', async () => {
  await request('a', 'a.1');
  let clock = 1_000;
  const silent = arrivals<string>();
  const endSilentPart: WorkerParts['endSilentPart'] = async ({ part }, ms) => {
    silent.push(`${part} ${ms}`);
    if (clock === 61_000) throw new Error('the log is away');
    return null;
  };
  start({ monotonicMs: () => clock, endSilentPart });
  await untilTrue('it has caught up', () => worker.state().caughtUp);
  // In between the agents may claim their parts first.
  for (const [at, ms] of [[61_000, 60_000], [67_000, null], [68_500, 67_500]] as const) {
    clock = at;
    await register(`at-${at}`);
    if (ms !== null) expect([await silent.next(), await silent.next()]).toEqual([`n1 ${ms}`, `n2 ${ms}`]);
    expect(silent.size()).toBe(0);
  }
});
