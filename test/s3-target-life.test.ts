// The life of an S3 target through the API: tried while it is good and while it is not, refused its end while it is used,
// retired, and stripped of its secret with its last copy. What each check tries is tested beside the adapter.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { type TestBucket, makeBucket } from './s3-bucket.js';
import { s3Suite } from './s3-suite.js';
import { type CheckView, copyOn, createS3, keysOf, testTarget } from './s3-target-calls.js';
import { type SnapshotView, attempt, completionOf, filesBelow, findSnapshot, listSnapshots, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

await s3Suite('The life of an S3 target', (server) => {
  let etcd: TestEtcd;
  let snapkeep: Snapkeep;
  let bucket: TestBucket;
  beforeAll(async () => {
    [etcd, snapkeep, bucket] = await Promise.all([startEtcd(), startSnapkeep({ SNAPKEEP_NODE_NAME: 'node-7' }), makeBucket(server, { versioned: true })]);
    await putKeys(etcd.connection, { count: 100 });
  });
  afterAll(async () => {
    await Promise.all([snapkeep.dispose(), etcd.stop(), bucket.dispose()]);
  });

  const checksOf = async (id: string): Promise<readonly CheckView[]> => {
    const { checks, userErrors } = await testTarget(snapkeep, id);
    expect(userErrors).toEqual([]);
    expect(checks.filter(({ ranOn }) => ranOn !== 'node-7')).toEqual([]);
    return checks;
  };
  const firstFailed = async (id: string): Promise<CheckView | undefined> => (await checksOf(id)).find(({ ok }) => !ok);
  /** References that the vault keeps, read beside the running service. */
  const secrets = (): readonly unknown[] => {
    using db = new DatabaseSync(join(snapkeep.dataDir, 'vault.db'), { readOnly: true });
    return db.prepare('SELECT ref FROM secrets ORDER BY seq').all().map(({ ref }) => ref);
  };

  test('a good target passes every check, and nothing is left in its bucket', async () => {
    await createS3(snapkeep, server, bucket, { id: 'good', folder: 'good' });
    const checks = await checksOf('good');
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['name resolves', 'credentials', 'bucket exists', 'put', 'get', 'list', 'multipart', 'delete', 'nothing left behind']));
    expect(checks.find(({ name }) => name === 'credentials')?.message).toBe("from the target's own keys");
    expect([...await bucket.objects(), ...await bucket.uploads()]).toEqual([]);
  });

  test('a wrong key, a missing bucket and an unknown target are told as such, with what to do', async () => {
    await createS3(snapkeep, server, bucket, { id: 'wrong-key', folder: 'wrong-key', secretKey: 'not-the-secret-key-of-this' });
    await createS3(snapkeep, server, { name: 'no-such-bucket' }, { id: 'no-bucket' });
    expect(await firstFailed('wrong-key')).toMatchObject({ name: 'credentials', message: expect.stringContaining('SignatureDoesNotMatch'), remedy: expect.stringContaining('secret key') });
    expect(await firstFailed('no-bucket')).toMatchObject({ name: 'bucket exists', remedy: expect.stringContaining("Make the bucket 'no-such-bucket'") });
    expect(await testTarget(snapkeep, 'nobody')).toMatchObject({ checks: [], userErrors: [{ code: 'NOT_FOUND', path: ['id'] }] });
  });

  test('the target local is tried on the disk, and left as it was', async () => {
    const checks = await checksOf('local');
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['writable', 'syncs to disk', 'free space', 'on a disk of its own']));
    expect(await filesBelow(snapkeep.localPath)).toEqual([]);
  });

  test('a retired target takes no more copies, gives up those it has, and loses its secret with the last of them', async () => {
    const before = secrets();
    await createS3(snapkeep, server, bucket, { id: 'leaving', folder: 'leaving' });
    const [secret] = secrets().filter((ref) => !before.includes(ref));
    expect(secret).toBeDefined();
    const clusterId = 'moving';
    await registerEtcd(snapkeep, clusterId, etcd.connection, { policy: { recurringEnabled: false, targetIds: ['leaving'] } });
    const take = async (): Promise<SnapshotView> => (await completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId })).id)).snapshot;
    const [first, second] = [await take(), await take()];

    expect(await attempt(snapkeep, 'deleteTarget', 'leaving')).toMatchObject({ object: null, userErrors: [{ code: 'TARGET_IN_USE', message: expect.stringContaining(clusterId) }] });
    await mutate(snapkeep, 'updatePolicy', { clusterId, targetIds: ['local'] });
    await mutate(snapkeep, 'deleteTarget', 'leaving');
    expect(await attempt(snapkeep, 'updatePolicy', { clusterId, targetIds: ['leaving'] })).toMatchObject({ object: null, userErrors: [{ path: ['targetIds', '0'] }] });
    expect(await attempt(snapkeep, 'updateS3Target', { id: 'leaving', name: 'back' })).toMatchObject({ object: null });
    expect(await attempt(snapkeep, 'createS3Target', { id: 'leaving', bucket: bucket.name })).toMatchObject({ object: null, userErrors: [{ code: 'ALREADY_EXISTS' }] });
    expect(copyOn(await take(), 'local').state).toBe('STORED');

    const listed = await listSnapshots(snapkeep, clusterId, { targetId: 'leaving' });
    expect(listed).toEqual([second, first]);
    expect(await bucket.objects()).toEqual(keysOf(listed, 'leaving', bucket));
    expect((await checksOf('leaving')).filter(({ ok }) => !ok)).toEqual([]);

    const deleted = async ({ id }: SnapshotView): Promise<void> => {
      await mutate(snapkeep, 'deleteSnapshot', id);
      await untilTrue('the copy is gone', async () => (await findSnapshot(snapkeep, id)).state === 'PRUNED');
    };
    await deleted(first);
    expect(await bucket.objects()).toEqual(keysOf([second], 'leaving', bucket));
    expect(await snapkeep.stop()).toBe(0);
    await snapkeep.start();
    expect(secrets()).toContain(secret);

    await deleted(second);
    expect(await bucket.objects()).toEqual([]);
    await untilTrue('its secret is destroyed', () => !secrets().includes(secret));
    expect(secrets()).toEqual(before);
    expect(await snapkeep.stop()).toBe(0);
    await snapkeep.start();
    expect(secrets()).toEqual(before);
    expect((await listSnapshots(snapkeep, clusterId, { targetId: 'leaving' })).map(({ state }) => state)).toEqual(['PRUNED', 'PRUNED']);
  });
});
