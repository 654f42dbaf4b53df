// One test for each arrow of the flow, through HTTP, WebSocket, a real etcd and a real disk, up to a restored etcd; on whatever stores.
// Recurrence and retention are in recurring-flow-suite.ts, TLS and authentication in secured-etcd.test.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { allKeys, restoredKeys, snapshotStatus } from './restored-etcd.js';
import {
  attempt, changes, completionOf, completions, cursorNow, filesBelow, findCluster, findSnapshot, firstOf, history, listSnapshots, mutate, registerEtcd, sha256Of,
} from './snapkeep-calls.js';
import type { Snapkeep } from './snapkeep-process.js';

/** Registers the tests; `start` starts the Snapkeep that they share. */
export function flowSuite(start: () => Promise<Snapkeep>): void {
  let etcd: TestEtcd;
  let snapkeep: Snapkeep;

  beforeAll(async () => {
    [etcd, snapkeep] = await Promise.all([startEtcd(), start()]);
    await putKeys(etcd.connection, { count: 2_000 });
    await etcd.ctl('del', '/registry/pods/namespace-0/object-0000000');
  });
  afterAll(async () => {
    await Promise.all([snapkeep.dispose(), etcd.stop()]);
  });

  const takeNow = async (clusterId: string, more = {}) => {
    const { id } = await mutate(snapkeep, 'snapshotNow', { clusterId, ...more });
    return (await completionOf(snapkeep, id)).snapshot;
  };

  test('a cluster that is registered gets the default policy, and its first recurring snapshot at once', async () => {
    const after = await cursorNow(snapkeep);
    const cluster = await registerEtcd(snapkeep, 'default', etcd.connection, { policy: null });
    expect(cluster.policy).toMatchObject({
      revision: 1, targets: [{ id: 'local' }], recurring: { enabled: true, intervalHours: 12, cron: null }, retentionCount: 6,
    });
    const { outcome, snapshot } = await firstOf(completions(snapkeep, { clusterId: 'default', after }));
    expect({ outcome, kind: snapshot.kind, verification: snapshot.verification }).toEqual({
      outcome: 'TAKEN', kind: 'RECURRING', verification: 'STRUCTURE_OK',
    });
    expect(await findCluster(snapkeep, 'default')).toMatchObject({ freshness: { state: 'FRESH' } });
    await mutate(snapkeep, 'updatePolicy', { clusterId: 'default', recurringEnabled: false });
    expect(await findCluster(snapkeep, 'default')).toMatchObject({ nextSnapshotAt: null, freshness: { state: 'PAUSED' }, policy: { revision: 2 } });
  });

  test('snapshotNow answers at once, is announced as TAKEN over WebSocket, is listed, and its file restores to the same keys', async () => {
    await registerEtcd(snapkeep, 'flow', etcd.connection);
    const requested = await attempt(snapkeep, 'snapshotNow', { clusterId: 'flow', name: 'before-upgrade' });
    expect(requested).toMatchObject({ object: { state: expect.stringMatching(/^(REQUESTED|RUNNING|TAKEN)$/), kind: 'MANUAL', slot: null }, userErrors: [] });
    const id = requested.object?.id ?? '';
    expect(id).toMatch(/^flow\.[0-9A-HJKMNP-TV-Z]{26}$/);

    const { outcome, snapshot } = await completionOf(snapkeep, id);
    expect({ outcome, state: snapshot.state, attempts: snapshot.attempts }).toEqual({ outcome: 'TAKEN', state: 'TAKEN', attempts: 1 });
    expect(snapshot.name).toMatch(/^\d{8}T\d{6}Z-[A-Za-z0-9]+-before-upgrade$/);
    expect(await listSnapshots(snapkeep, 'flow')).toEqual([snapshot]);
    expect(Date.parse(snapshot.takenAt ?? '')).toBeLessThanOrEqual(Date.parse(snapshot.completedAt ?? ''));

    const [copy] = snapshot.copies;
    const file = copy?.location ?? '';
    expect(copy).toMatchObject({ target: { id: 'local' }, state: 'STORED', sha256: snapshot.sha256, failure: null });
    expect(file).toBe(join(snapkeep.localPath, 'flow', snapshot.name, '1', 'snapshot.db'));

    const stored = await readFile(file);
    const taken = (await history(snapkeep, 'flow')).find(({ type }) => type === 'SnapshotTaken');
    expect(taken?.data).toMatchObject({ copies: [{ storedSha256: await sha256Of(file), storedSize: stored.length }] });
    expect(copy?.storedSize).toBe(stored.length);
    expect(stored.subarray(-32).toString('hex')).toBe(snapshot.sha256);
    expect(JSON.parse(await readFile(join(dirname(file), 'manifest.json'), 'utf8'))).toMatchObject({ revision: snapshot.revision, sha256: snapshot.sha256 });

    expect((await snapshotStatus(file)).revision).toBe(snapshot.revision);
    const keys = await allKeys(etcd.ctl);
    expect(keys).toHaveLength(1_999);
    expect(await restoredKeys(file)).toEqual(keys);
  });

  test('an idempotency key names one request for ever, and with another name is a conflict', async () => {
    await registerEtcd(snapkeep, 'repeated', etcd.connection);
    const input = { clusterId: 'repeated', name: 'nightly', idempotencyKey: 'job-1' };
    const first = await mutate(snapkeep, 'snapshotNow', input);
    expect((await mutate(snapkeep, 'snapshotNow', input)).id).toBe(first.id);
    await completionOf(snapkeep, first.id);
    expect((await mutate(snapkeep, 'snapshotNow', input)).id).toBe(first.id);
    expect(await attempt(snapkeep, 'snapshotNow', { ...input, name: 'weekly' })).toMatchObject({ object: null, userErrors: [{ code: 'CONFLICT' }] });
    expect(await listSnapshots(snapkeep, 'repeated')).toHaveLength(1);
  });

  test('snapshotChanged shows a snapshot from its request to its end', async () => {
    await registerEtcd(snapkeep, 'followed', etcd.connection);
    const after = await cursorNow(snapkeep);
    const { id } = await mutate(snapkeep, 'snapshotNow', { clusterId: 'followed' });
    const cursors: string[] = [];
    for await (const { cursor, snapshot } of changes(snapkeep, { clusterId: 'followed', after })) {
      expect(snapshot.id).toBe(id);
      cursors.push(cursor);
      if (snapshot.state === 'TAKEN') break;
    }
    expect(new Set(cursors).size).toBe(cursors.length);
  });

  test('a deleted snapshot loses its files and stays in the list as PRUNED; a pinned one is refused', async () => {
    await registerEtcd(snapkeep, 'deleting', etcd.connection);
    const { id } = await takeNow('deleting');
    expect(await filesBelow(snapkeep.localPath, 'deleting')).toHaveLength(2);
    expect(await mutate(snapkeep, 'pinSnapshot', id)).toMatchObject({ id, pinned: true });
    expect(await attempt(snapkeep, 'deleteSnapshot', id)).toMatchObject({ object: null, userErrors: [{ code: 'PINNED' }] });
    await mutate(snapkeep, 'unpinSnapshot', id);
    await mutate(snapkeep, 'deleteSnapshot', id);
    await untilTrue('the snapshot is PRUNED', async () => (await findSnapshot(snapkeep, id)).state === 'PRUNED');
    expect(await filesBelow(snapkeep.localPath, 'deleting')).toEqual([]);
    expect(await listSnapshots(snapkeep, 'deleting', { states: ['PRUNED'] })).toMatchObject([{ id, copies: [{ state: 'PRUNED' }] }]);
  });

  test('a legacy cluster has no policy and takes no recurring snapshot until its policy is saved', async () => {
    expect(await registerEtcd(snapkeep, 'legacy', etcd.connection, { policy: null, legacy: true })).toMatchObject({ policy: null, nextSnapshotAt: null });
    const manual = await takeNow('legacy');
    expect(manual).toMatchObject({ state: 'TAKEN', copies: [{ target: { id: 'local' } }] });
    expect((await listSnapshots(snapkeep, 'legacy')).map(({ id }) => id)).toEqual([manual.id]);
    const after = await cursorNow(snapkeep);
    expect(await mutate(snapkeep, 'updatePolicy', { clusterId: 'legacy', retentionCount: 3 })).toMatchObject({ revision: 1, retentionCount: 3, recurring: { enabled: true } });
    const { snapshot } = await firstOf(completions(snapkeep, { clusterId: 'legacy', after }));
    expect(snapshot).toMatchObject({ kind: 'RECURRING', state: 'TAKEN' });
  });

  test('a removed cluster leaves the list, answers by id, and keeps its snapshots', async () => {
    await registerEtcd(snapkeep, 'leaving', etcd.connection);
    const { id } = await takeNow('leaving');
    await mutate(snapkeep, 'removeCluster', 'leaving');
    const { clusters } = await snapkeep.graphql<{ clusters: { nodes: { id: string }[] } }>('{ clusters(first: 50) { nodes { id } } }');
    expect(clusters.nodes.map((node) => node.id)).not.toContain('leaving');
    expect((await findCluster(snapkeep, 'leaving'))?.removedAt).not.toBeNull();
    expect(await attempt(snapkeep, 'snapshotNow', { clusterId: 'leaving' })).toMatchObject({ object: null, userErrors: [{ code: 'CONFLICT' }] });
    expect(await attempt(snapkeep, 'snapshotNow', { clusterId: 'unheard-of' })).toMatchObject({ object: null, userErrors: [{ code: 'NOT_FOUND', path: ['clusterId'] }] });
    expect(await attempt(snapkeep, 'registerCluster', { id: 'leaving', endpoints: [etcd.endpoint] })).toMatchObject({ userErrors: [{ code: 'ALREADY_EXISTS' }] });
    expect(await filesBelow(snapkeep.localPath, 'leaving')).toHaveLength(2);
    await mutate(snapkeep, 'deleteSnapshot', id);
    await untilTrue('the copy is gone', async () => (await filesBelow(snapkeep.localPath, 'leaving')).length === 0);
  });

  test('completions resume behind a cursor without a gap or a repeat, across a restart of the service', async () => {
    await registerEtcd(snapkeep, 'resumed', etcd.connection);
    const after = await cursorNow(snapkeep);
    const seen: string[] = [];
    let resumeAt = after;
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three', 'four']) ids.push((await mutate(snapkeep, 'snapshotNow', { clusterId: 'resumed', name })).id);
    for await (const { cursor, snapshot } of completions(snapkeep, { clusterId: 'resumed', after })) {
      seen.push(snapshot.id);
      resumeAt = cursor;
      if (seen.length === 2) break;
    }
    expect(await snapkeep.stop()).toBe(0);
    await snapkeep.start();
    for await (const { snapshot } of completions(snapkeep, { clusterId: 'resumed', after: resumeAt })) {
      seen.push(snapshot.id);
      if (seen.length === 4) break;
    }
    expect(seen).toEqual(ids);
  });
}
