// What must hold after the service was killed at random instants: nothing acknowledged is lost, and list, files and log agree.
// The killing, and what is asked of the service meanwhile, is each test's own.
import { expect } from '@jest/globals';
import { join } from 'node:path';
import { untilTrue } from './eventual-fact.js';
import type { Acknowledged } from './mutation-clients.js';
import { type HistoryView, type SnapshotView, filesBelow, history, listSnapshots, sha256Of } from './snapkeep-calls.js';
import type { Snapkeep } from './snapkeep-process.js';

/** What the ledger tells of a cluster, and what the list shows. */
export interface Evidence {
  readonly clusterId: string;
  readonly told: readonly HistoryView[];
  readonly listed: readonly SnapshotView[];
}

export async function evidenceOf(snapkeep: Snapkeep, clusterId: string): Promise<Evidence> {
  return { clusterId, told: await history(snapkeep, clusterId), listed: await listSnapshots(snapkeep, clusterId) };
}

export function atRandomInstant(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}

/** Kills it while it starts. */
export async function killWhileStarting(snapkeep: Snapkeep, ms: number): Promise<void> {
  await snapkeep.start({ ready: false });
  await atRandomInstant(ms);
  await snapkeep.kill9();
}

/** Until no snapshot runs, none waits for a repair, and no copy is being pruned. Recurrence must be off. */
export async function untilSettled(snapkeep: Snapkeep, clusterIds: readonly string[]): Promise<void> {
  await untilTrue('nothing is open any more', async () => {
    const alive = { states: ['REQUESTED', 'RUNNING', 'TAKEN', 'PARTIAL'] };
    const all = (await Promise.all(clusterIds.map((clusterId) => listSnapshots(snapkeep, clusterId, alive)))).flat();
    return all.every(({ state, copies }) => state === 'TAKEN' && copies.every((copy) => copy.state !== 'PRUNING'));
  }, { withinMs: 60_000 });
}

export const ofType = (told: readonly HistoryView[], type: string): readonly HistoryView[] => told.filter((entry) => entry.type === type);

export function expectNothingLost(acknowledged: Acknowledged, { told, listed }: Evidence): void {
  const requested = ofType(told, 'SnapshotRequested').map(({ data, snapshotId }): [unknown, string | null] => [data['idempotencyKey'], snapshotId]);
  const byKey = new Map(requested);
  expect(byKey.size).toBe(requested.length);
  expect([...acknowledged.requests].filter(([key, id]) => byKey.get(key) !== id)).toEqual([]);

  const policies = new Map(ofType(told, 'PolicyUpdated').map(({ data }) => [data['revision'], data['retentionCount']]));
  expect([...acknowledged.policies].filter(([revision, count]) => policies.get(revision) !== count)).toEqual([]);

  const byId = new Map(listed.map((snapshot) => [snapshot.id, snapshot]));
  expect([...acknowledged.pins].filter((id) => byId.get(id)?.pinned !== true)).toEqual([]);
  expect([...acknowledged.deletions].filter((id) => byId.get(id)?.state !== 'PRUNED')).toEqual([]);
}

/** Each request has one end, etcd was well so that it is a good one, and what is kept is what a retention of 2 keeps. */
export function expectListAsTold({ told, listed }: Evidence): void {
  const idsOf = (type: string): (string | null)[] => ofType(told, type).map(({ snapshotId }) => snapshotId).sort();
  expect(listed.map(({ id }) => id).sort()).toEqual(idsOf('SnapshotRequested'));
  expect(idsOf('SnapshotTaken')).toEqual(idsOf('SnapshotRequested'));
  expect(idsOf('SnapshotFailed')).toEqual([]);
  const pruned = listed.filter(({ state }) => state === 'PRUNED');
  expect(pruned.flatMap(({ id, copies }) => copies.map(() => id)).sort()).toEqual(idsOf('SnapshotPruned'));
  expect(listed.filter(({ state }) => !['TAKEN', 'PRUNED'].includes(state))).toEqual([]);
  const everyRecurring = listed.filter(({ kind }) => kind === 'RECURRING');
  expect(everyRecurring.filter(({ state }) => state === 'TAKEN')).toEqual(everyRecurring.slice(0, 2));
}

/** On the disks of the target `local`: of each node its own. */
export async function expectFilesAsTold(localPaths: readonly string[], { clusterId, listed }: Evidence): Promise<void> {
  const copies = listed.flatMap((snapshot) => snapshot.copies).filter(({ target, state }) => target.id === 'local' && state === 'STORED');
  for (const { location, storedSha256 } of copies) expect(await sha256Of(location ?? '')).toBe(storedSha256);
  const files = copies.map(({ location }) => location ?? '');
  const found = await Promise.all(localPaths.map(async (root) => (await filesBelow(root, clusterId)).map((file) => join(root, file))));
  expect(found.flat().sort()).toEqual(files.flatMap((file) => [file, file.replace(/snapshot\.db$/, 'manifest.json')]).sort());
}
