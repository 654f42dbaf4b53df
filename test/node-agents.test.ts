// Agents on the nodes of a real etcd of three members, each with a disk of its own, and a bucket beside: who stores what, one agent that
// is dead before or after its claim, one member that is replaced. In process, on one event log; what happens when is decided by gates.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DomainEvent } from '../events/catalogue.js';
import type { CommandHandler } from '../services/ledger/command-handler.js';
import { agentNodes } from '../services/ledger/cluster-state.js';
import type { SnapshotState } from '../services/ledger/snapshot-state.js';
import type { Worker } from '../services/snapshots/worker.js';
import { type EmbeddedWorkers, type WorkerWay, createEmbeddedWorkers } from './embedded-workers.js';
import { putKeys } from './etcd-keys.js';
import { type EtcdMemberProcess, type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { filesBelow } from './snapkeep-calls.js';

const clusterId = 'nodes';

let etcd: TestEtcd;
let workers: EmbeddedWorkers;
const atEnd: (() => void)[] = [];

beforeAll(async () => {
  // So that a member may be replaced before etcd has watched the others for long enough.
  etcd = await startEtcd({ members: 3, args: ['--strict-reconfig-check=false'] });
  await putKeys(etcd.connection, { count: 200 });
});
beforeEach(async () => {
  workers = await createEmbeddedWorkers();
  await workers.register(clusterId, etcd.connection, ['local', await workers.createBucket()]);
});
afterEach(async () => {
  for (const end of atEnd.splice(0)) end();
  await workers.dispose();
});
afterAll(() => etcd.stop());

function startAgent(member: Pick<EtcdMemberProcess, 'name' | 'endpoint'>, way: Partial<WorkerWay> = {}): Worker {
  return workers.start({ name: `worker-${member.name}`, agent: { clusterId, node: member.name, endpoint: member.endpoint }, ...way });
}

const untilServed = (nodes: readonly string[]): Promise<void> => untilTrue(`agents serve ${nodes.join(', ')}`, async () =>
  JSON.stringify([...agentNodes(await workers.commands.clusterState(clusterId))].sort()) === JSON.stringify(nodes));

async function snapshotOf(snapshotId: string): Promise<SnapshotState> {
  const snapshot = (await workers.commands.clusterState(clusterId)).snapshots.get(snapshotId);
  if (snapshot === undefined) throw new Error(`no snapshot ${snapshotId}`);
  return snapshot;
}

/** `<target>[ <node>] <state>` of each copy, sorted. */
const copiesOf = async (snapshotId: string): Promise<readonly string[]> =>
  (await snapshotOf(snapshotId)).copies.map(({ targetId, node, state }) => [targetId, node, state].filter(Boolean).join(' ')).sort();

const ofType = <T extends DomainEvent['type']>(events: readonly DomainEvent[], type: T) =>
  events.filter((event): event is Extract<DomainEvent, { readonly type: T }> => event.type === type);

interface StoredManifest { readonly member: string; readonly revision: number; readonly sha256: string; readonly part: string }

/** The only copy below the folder, whose bytes are what its manifest says. */
async function copyBelow(folder: string): Promise<StoredManifest> {
  const files = await filesBelow(folder);
  expect(files).toHaveLength(2);
  const [manifest, database] = await Promise.all(files.map((file) => readFile(join(folder, file))));
  const told = JSON.parse(String(manifest)) as StoredManifest;
  expect(createHash('sha256').update(database?.subarray(0, -32) ?? '').digest('hex')).toBe(told.sha256);
  return told;
}

async function memberIds(): Promise<Readonly<Record<string, string | undefined>>> {
  const lines = (await etcd.ctl('member', 'list')).trim().split('\n').map((line) => line.split(', '));
  return Object.fromEntries(lines.map(([id, , name]) => [name ?? '', id]));
}

/** A member without which the cluster goes on at once. */
async function follower(): Promise<EtcdMemberProcess> {
  const statuses = (await etcd.ctl('endpoint', 'status')).trim().split('\n').map((line) => line.split(', '));
  const follows = statuses.find(([, , , , isLeader]) => isLeader === 'false')?.[0];
  const member = etcd.members.find(({ endpoint }) => endpoint === follows);
  if (!member) throw new Error(`no follower among ${JSON.stringify(statuses)}`);
  return member;
}

/** Once it is dead, the worker is as if its process were gone: nothing that it wants to tell arrives. Revived after the test at the latest. */
function mortal() {
  const revival = Promise.withResolvers<void>();
  let dead = false;
  const revive = (): void => {
    dead = false;
    revival.resolve();
  };
  atEnd.push(revive);
  return {
    isDead: () => dead,
    die: () => { dead = true; },
    revive,
    /** Dies with its first command of this type. */
    through: (dyingAt: string | null = null) => (commands: CommandHandler): CommandHandler => ({
      ...commands,
      executeCluster: async (id, command, context) => {
        dead ||= command.type === dyingAt;
        if (dead) await revival.promise;
        return commands.executeCluster(id, command, context);
      },
    }),
  };
}

test('each agent stores its own member on its own disk, and the one that claimed first feeds the bucket', async () => {
  const late = Promise.withResolvers<void>();
  for (const member of etcd.members) startAgent(member, member.name === 'node-3' ? { beforeClaim: () => late.promise } : {});
  await untilServed(['node-1', 'node-2', 'node-3']);
  const snapshotId = await workers.request(clusterId);
  await workers.until(snapshotId, 'SnapshotPartTaken', 2);
  await putKeys(etcd.connection, { count: 1, from: 10_000 });
  late.resolve();

  expect(await workers.until(snapshotId, 'SnapshotTaken')).toMatchObject({ data: { outcome: 'TAKEN', failedCopies: [] } });
  expect(await copiesOf(snapshotId)).toEqual(['bucket STORED', 'local node-1 STORED', 'local node-2 STORED', 'local node-3 STORED']);
  const ids = await memberIds();
  const told = await workers.told(snapshotId);
  const stored = await Promise.all(etcd.members.map(async ({ name }) => [name, await copyBelow(workers.diskOf(name))] as const));
  for (const [name, manifest] of stored) {
    const part = ofType(told, 'SnapshotPartTaken').find(({ data }) => data.part === name);
    expect(manifest).toMatchObject({ part: name, member: ids[name], revision: part?.data.facts.revision, sha256: part?.data.facts.sha256 });
  }
  const revisions = stored.map(([, { revision }]) => revision);
  expect(revisions[2]).toBeGreaterThan(Math.max(revisions[0] ?? 0, revisions[1] ?? 0));
  expect(await copyBelow(workers.bucketPath)).toMatchObject({ part: ofType(told, 'SnapshotStarted')[0]?.data.part });
});

test('an agent that died before its claim is a named failure of its copy alone, which nobody makes from another member\'s bytes', async () => {
  for (const member of etcd.members.slice(0, 2)) startAgent(member, { silenceMs: 1_000 });
  await workers.execute(clusterId, { type: 'JoinAgent', node: 'node-3', worker: 'dead', endpoint: 'http://127.0.0.1:1' });
  await untilServed(['node-1', 'node-2', 'node-3']);
  const snapshotId = await workers.request(clusterId);
  expect(await workers.until(snapshotId, 'SnapshotTaken')).toMatchObject({
    data: { outcome: 'PARTIAL', failedCopies: [{ targetId: 'local', node: 'node-3', failure: { step: 'CLAIM', code: 'AGENT_SILENT' } }] },
  });
  await workers.until(await workers.request(clusterId), 'SnapshotTaken');
  expect(await copiesOf(snapshotId)).toEqual(['bucket STORED', 'local node-1 STORED', 'local node-2 STORED', 'local node-3 FAILED']);
  expect(ofType(await workers.told(snapshotId), 'SnapshotCopyFailed')).toEqual([]);
  expect(await readdir(join(workers.diskOf('node-3'), '..'))).toEqual(['node-1', 'node-2']);
});

test('an agent that dies in the middle costs its own copy; what it was to store in the bucket is made up for from another node', async () => {
  const first = mortal();
  const claimed = Promise.withResolvers<void>();
  const [one, ...others] = etcd.members;
  if (!one) throw new Error('etcd has no member');
  const dying = startAgent(one, { leaseMs: 300, throughCommands: first.through('ReportProgress') });
  for (const member of others) startAgent(member, { silenceMs: 1_000, beforeClaim: () => claimed.promise });
  await untilServed(['node-1', 'node-2', 'node-3']);
  const snapshotId = await workers.request(clusterId);
  await untilTrue('the first agent is dead', first.isDead);
  claimed.resolve();

  const taken = await workers.until(snapshotId, 'SnapshotTaken');
  const silent = { step: 'CLAIM', code: 'AGENT_SILENT', message: expect.stringContaining('began attempt 1') };
  expect(taken).toMatchObject({
    data: {
      outcome: 'PARTIAL',
      failedCopies: expect.arrayContaining([{ targetId: 'local', node: 'node-1', failure: silent }, { targetId: 'bucket', node: null, failure: silent }]),
    },
  });
  await workers.until(snapshotId, 'SnapshotCopyStored');
  expect(await copiesOf(snapshotId)).toEqual(['bucket STORED', 'local node-1 FAILED', 'local node-2 STORED', 'local node-3 STORED']);
  const read = ofType(await workers.told(snapshotId), 'SnapshotPartTaken')[0]?.data;
  expect(await copyBelow(workers.bucketPath)).toMatchObject({ part: read?.part, sha256: read?.facts.sha256 });

  first.revive();
  await untilTrue('the agent that came back has given up', () => dying.state().running === 0);
  expect(await filesBelow(workers.diskOf('node-1'))).toEqual([]);
});

test('an agent reads no other member than its own', async () => {
  const [one, two] = etcd.members;
  if (!one || !two) throw new Error('etcd has too few members');
  startAgent({ name: one.name, endpoint: two.endpoint });
  await untilServed(['node-1']);
  const snapshotId = await workers.request(clusterId);
  expect(await workers.until(snapshotId, 'SnapshotFailed')).toMatchObject({
    data: { failure: { step: 'CONNECT', code: 'MEMBER_FOREIGN', message: expect.stringContaining('node-2') } },
  });
});

test('retention counts on each node; what lies on a node that left stays listed until it is deleted, as abandoned', async () => {
  const slots = ['2026-11-01T00:00:00.000Z', '2026-11-02T00:00:00.000Z', '2026-11-03T00:00:00.000Z'] as const;
  const change = { recurringEnabled: true, intervalHours: 24, retentionCount: 1 };
  await workers.execute(clusterId, { type: 'UpdatePolicy', change, expectedRevision: null, now: slots[0] });
  const leaving = await follower();
  const dying = mortal();
  for (const member of etcd.members) startAgent(member, member === leaving ? { throughCommands: dying.through() } : {});
  await untilServed(['node-1', 'node-2', 'node-3']);
  const recurring = async (slot: string): Promise<string> => {
    const snapshotId = await workers.request(clusterId, slot);
    await workers.until(snapshotId, 'SnapshotTaken');
    return snapshotId;
  };
  const oldest = await recurring(slots[0]);
  const older = await recurring(slots[1]);
  await untilTrue('all copies of the oldest are pruned', async () => (await copiesOf(oldest)).every((copy) => copy.endsWith(' PRUNED')));
  for (const { name } of etcd.members) await copyBelow(workers.diskOf(name));

  dying.die();
  await etcd.ctl('member', 'remove', (await memberIds())[leaving.name] ?? '');
  await leaving.kill();
  startAgent(await etcd.add('node-4'));
  const staying = etcd.members.filter((member) => member !== leaving).map(({ name }) => name);
  await untilServed([...staying, 'node-4']);
  const newest = await recurring(slots[2]);
  expect(await copiesOf(newest)).toEqual(['bucket STORED', ...[...staying, 'node-4'].map((node) => `local ${node} STORED`)]);
  const kept = `local ${leaving.name} STORED`;
  const afterRetention = ['bucket PRUNED', ...staying.map((node) => `local ${node} PRUNED`), kept].sort();
  await untilTrue('retention is done where nodes are', async () => JSON.stringify(await copiesOf(older)) === JSON.stringify(afterRetention));

  await workers.execute(clusterId, { type: 'DeleteSnapshot', snapshotId: older });
  expect(await copiesOf(older)).toEqual(afterRetention.map((copy) => copy.replace('STORED', 'PRUNED')));
  const reasons = ofType(await workers.told(older), 'SnapshotPruned').map(({ data }) => [data.node, data.reason]);
  expect(reasons.at(-1)).toEqual([leaving.name, 'ABANDONED']);
  await copyBelow(workers.diskOf(leaving.name));
});
