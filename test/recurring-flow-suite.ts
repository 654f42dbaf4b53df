// Recurring snapshots by cron against a real etcd, on whatever stores: slots become snapshots, and retention deletes beyond the count.
// What retention decides in every case is in services/retention; here it is seen on the disk.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import {
  type SnapshotView, changes, completionOf, cursorNow, filesBelow, findCluster, history, listSnapshots, mutate, registerEtcd,
} from './snapkeep-calls.js';
import type { Snapkeep } from './snapkeep-process.js';

/** Registers the tests; `start` starts the Snapkeep that they share. */
export function recurringFlowSuite(start: () => Promise<Snapkeep>): void {
  let etcd: TestEtcd;
  let snapkeep: Snapkeep;

  beforeAll(async () => {
    [etcd, snapkeep] = await Promise.all([startEtcd(), start()]);
  });
  afterAll(async () => {
    await Promise.all([snapkeep.dispose(), etcd.stop()]);
  });

  const idsOf = (snapshots: readonly SnapshotView[]): string[] => snapshots.map(({ id }) => id);

  async function untilPruned(clusterId: string, after: string, count: number): Promise<Set<string>> {
    const pruned = new Set<string>();
    for await (const { snapshot } of changes(snapkeep, { clusterId, after })) {
      if (snapshot.state === 'PRUNED') pruned.add(snapshot.id);
      if (pruned.size >= count) break;
    }
    return pruned;
  }

  test('retention keeps the newest recurring copies, and never touches manual or pinned ones', async () => {
    const clusterId = 'recurring';
    await registerEtcd(snapkeep, clusterId, etcd.connection);
    const manual = (await completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId, name: 'by-hand' })).id)).snapshot;
    const after = await cursorNow(snapkeep);
    const policy = await mutate(snapkeep, 'updatePolicy', { clusterId, recurringEnabled: true, cron: '*/2 * * * * *', retentionCount: 2 });
    expect(policy).toMatchObject({ retentionCount: 2, recurring: { cron: '*/2 * * * * *', intervalHours: null } });
    expect((await findCluster(snapkeep, clusterId))?.nextSnapshotAt).not.toBeNull();

    let pinned: SnapshotView | undefined;
    for await (const { snapshot } of changes(snapkeep, { clusterId, after })) {
      if (snapshot.kind !== 'RECURRING' || snapshot.state !== 'TAKEN') continue;
      pinned = await mutate(snapkeep, 'pinSnapshot', snapshot.id);
      break;
    }
    const pruned = await untilPruned(clusterId, after, 2);
    await mutate(snapkeep, 'updatePolicy', { clusterId, recurringEnabled: false });
    await untilTrue('nothing of the cluster is open', async () => {
      const all = await listSnapshots(snapkeep, clusterId);
      return all.every(({ state, copies }) => !['REQUESTED', 'RUNNING'].includes(state) && copies.every((copy) => copy.state !== 'PRUNING'));
    });

    const all = await listSnapshots(snapkeep, clusterId);
    const kept = all.filter(({ state }) => state === 'TAKEN');
    expect(idsOf(kept)).toEqual([...idsOf(all.filter(({ kind }) => kind === 'RECURRING')).slice(0, 2), pinned?.id, manual.id]);
    expect(pruned.has(manual.id) || pruned.has(pinned?.id ?? '')).toBe(false);
    const expected = kept.flatMap(({ name, attempts }) => ['manifest.json', 'snapshot.db'].map((file) => `${clusterId}/${name}/${attempts}/${file}`));
    expect(await filesBelow(snapkeep.localPath, clusterId)).toEqual(expected.sort());

    const told = await history(snapkeep, clusterId);
    const reasons = told.filter(({ type }) => type === 'SnapshotPruned').map(({ data }) => data['reason']);
    expect(new Set(reasons)).toEqual(new Set(['RETENTION']));
    const slots = all.flatMap(({ slot }) => slot ?? []);
    expect(new Set(slots).size).toBe(slots.length);
    expect(slots.every((slot) => new Date(slot).getUTCSeconds() % 2 === 0 && slot.endsWith('.000Z'))).toBe(true);
  });

  test('a lowered count deletes nothing by itself', async () => {
    const before = await listSnapshots(snapkeep, 'recurring');
    await mutate(snapkeep, 'updatePolicy', { clusterId: 'recurring', retentionCount: 1 });
    await completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId: 'recurring' })).id);
    const [, ...older] = await listSnapshots(snapkeep, 'recurring');
    expect(older).toEqual(before);
  });
}
