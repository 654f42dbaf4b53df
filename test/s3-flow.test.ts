// The flow with several targets, through the running service, a real etcd and the real S3 server, up to etcds restored from what was stored.
// Targets that fail are in s3-repair.test.ts; the flow on the disk alone is in flow.test.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgeKeys, ageDecrypted, ageKeys, sha256Of, zstdDecompressed } from '../services/encoding/encoding-tools.fixture.js';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { allKeys, restoredKeys, snapshotStatus } from './restored-etcd.js';
import { type TestBucket, makeBucket } from './s3-bucket.js';
import { s3Suite } from './s3-suite.js';
import { copyOn, createS3, keyOf, keysOf, manifestOf } from './s3-target-calls.js';
import { type SnapshotView, changes, completionOf, cursorNow, filesBelow, findSnapshot, listSnapshots, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

await s3Suite('Snapshots on S3', (server) => {
  let folder: string;
  let etcd: TestEtcd;
  let snapkeep: Snapkeep;
  let bucket: TestBucket;
  let keys: AgeKeys;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snapkeep-s3-flow-'));
    [etcd, snapkeep, bucket] = await Promise.all([startEtcd(), startSnapkeep(), makeBucket(server, { versioned: true })]);
    keys = ageKeys();
    await putKeys(etcd.connection, { count: 9_000, valueBytes: 1_000 });
    await createS3(snapkeep, server, bucket, { folder: 'etcd/prod' });
  });
  afterAll(async () => {
    await Promise.all([snapkeep.dispose(), etcd.stop(), bucket.dispose()]);
    keys[Symbol.dispose]();
    await rm(folder, { recursive: true });
  });

  const register = (id: string, targetIds: readonly string[], policy = {}) =>
    registerEtcd(snapkeep, id, etcd.connection, { policy: { recurringEnabled: false, targetIds, ...policy } });
  const takeNow = async (clusterId: string): Promise<SnapshotView> =>
    (await completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId })).id)).snapshot;
  const objectsOf = async (clusterId: string): Promise<string[]> => (await bucket.objects()).filter((key) => key.startsWith(`etcd/prod/${clusterId}/`));
  const manifestAt = async (key: string): Promise<unknown> => JSON.parse((await bucket.get(manifestOf(key))).toString());
  const fileOf = async (bytes: Buffer): Promise<string> => {
    const file = join(folder, `${sha256Of(bytes)}.db`);
    await writeFile(file, bytes);
    return file;
  };

  test('one read is stored on disk and in the bucket alike, is listed, and the object restores to the same keys', async () => {
    await register('both', ['local', 's3']);
    const snapshot = await takeNow('both');
    expect(snapshot).toMatchObject({ state: 'TAKEN', failure: null, verification: 'STRUCTURE_OK' });
    expect(snapshot.copies).toHaveLength(2);
    const [local, remote] = [copyOn(snapshot, 'local'), copyOn(snapshot, 's3')];
    const file = await readFile(local.location ?? '');
    const key = keyOf(remote, bucket);
    expect(key).toBe(`etcd/prod/both/${snapshot.name}/1/snapshot.db`);
    const fact = { state: 'STORED', storedSize: file.length, storedSha256: sha256Of(file), sha256: snapshot.sha256, encoding: [], failure: null };
    expect([local, remote]).toMatchObject([fact, fact]);

    const object = await bucket.get(key);
    expect(object.equals(file)).toBe(true);
    expect(await objectsOf('both')).toEqual([manifestOf(key), key]);
    expect(await bucket.uploads()).toEqual([]);
    expect(await manifestAt(key)).toMatchObject({
      snapshotId: snapshot.id, sha256: snapshot.sha256, stored: { file: 'snapshot.db', size: object.length, sha256: sha256Of(object), encoding: [] },
    });

    expect(await listSnapshots(snapkeep, 'both', { targetId: 's3' })).toEqual([snapshot]);
    const query = 'query ($at: DateTime!) { snapshotAt(clusterId: "both", at: $at) { id copies { location } } }';
    expect(await snapkeep.graphql(query, { at: new Date(Date.parse(snapshot.takenAt ?? '') + 1).toISOString() })).toMatchObject({
      snapshotAt: { id: snapshot.id, copies: [{ location: local.location }, { location: remote.location }] },
    });
    expect(await restoredKeys(await fileOf(object))).toEqual(await allKeys(etcd.ctl));
  });

  test('what is deleted loses exactly its own objects, every version of them, and what others put beside them stays', async () => {
    await register('deleting', ['local', 's3']);
    const [gone, kept] = [await takeNow('deleting'), await takeNow('deleting')];
    const foreign = [`etcd/prod/deleting/${gone.name}/1/notes.txt`, `etcd/prod/deleting/${gone.name}/10/snapshot.db`, 'etcd/prod/deletingly/manifest.json'];
    for (const key of foreign) await bucket.put(key);
    const others = (await bucket.objects()).filter((key) => !keysOf([gone], 's3', bucket).includes(key));
    await mutate(snapkeep, 'deleteSnapshot', gone.id);
    await untilTrue('the snapshot is PRUNED', async () => (await findSnapshot(snapkeep, gone.id)).state === 'PRUNED');
    expect(await bucket.objects()).toEqual(others);
    expect(others).toEqual(expect.arrayContaining([...foreign, ...keysOf([kept], 's3', bucket)]));
    expect(await filesBelow(snapkeep.localPath, 'deleting')).toHaveLength(2);
  });

  test('each target is pruned by its own count of copies', async () => {
    const clusterId = 'pruned';
    await register(clusterId, ['local']);
    const cron = { clusterId, recurringEnabled: true, cron: '* * * * * *', retentionCount: 2 };
    const untilStored = async (after: string, count: number): Promise<void> => {
      const taken = new Set<string>();
      for await (const { snapshot } of changes(snapkeep, { clusterId, after })) {
        if (['TAKEN', 'PRUNED'].includes(snapshot.state)) taken.add(snapshot.id);
        if (taken.size === count) return;
      }
    };
    const stop = async (): Promise<readonly SnapshotView[]> => {
      await mutate(snapkeep, 'updatePolicy', { clusterId, recurringEnabled: false });
      await untilTrue('nothing is open', async () => (await listSnapshots(snapkeep, clusterId)).every(({ state, copies }) =>
        !['REQUESTED', 'RUNNING'].includes(state) && copies.every((copy) => copy.state !== 'PRUNING')));
      return listSnapshots(snapkeep, clusterId);
    };
    const storedOn = (all: readonly SnapshotView[], targetId: string): readonly string[] =>
      all.filter(({ copies }) => copies.some(({ target, state }) => target.id === targetId && state === 'STORED')).map(({ id }) => id);

    let after = await cursorNow(snapkeep);
    await mutate(snapkeep, 'updatePolicy', cron);
    await untilStored(after, 3);
    const onDisk = storedOn(await stop(), 'local');
    expect(onDisk).toHaveLength(2);

    after = await cursorNow(snapkeep);
    await mutate(snapkeep, 'updatePolicy', { ...cron, targetIds: ['s3'] });
    await untilStored(after, 3);
    const all = await stop();
    expect(storedOn(all, 'local')).toEqual(onDisk);
    expect(storedOn(all, 's3')).toEqual(all.slice(0, 2).map(({ id }) => id));
    expect(await objectsOf(clusterId)).toEqual(keysOf(all, 's3', bucket));
    expect(await filesBelow(snapkeep.localPath, clusterId)).toHaveLength(4);
  });

  test('a compressed and encrypted object is what the standard tools decode to the file that etcdctl restores', async () => {
    const [mine, yours] = [keys.make(), keys.make()];
    const encoding = { compression: 'ZSTD', ageRecipients: [mine.recipient, yours.recipient] };
    await createS3(snapkeep, server, bucket, { id: 'sealed', folder: 'sealed', ...encoding });
    await register('encoded', ['local', 'sealed']);
    const snapshot = await takeNow('encoded');
    expect(snapshot.state).toBe('TAKEN');
    const copy = copyOn(snapshot, 'sealed');
    const key = keyOf(copy, bucket);
    expect(key).toBe(`sealed/encoded/${snapshot.name}/1/snapshot.db.zst.age`);
    const object = await bucket.get(key);
    expect(copy).toMatchObject({ encoding: ['zstd', 'age'], storedSize: object.length, storedSha256: sha256Of(object), sha256: snapshot.sha256 });
    expect(await manifestAt(key)).toMatchObject({
      sha256: snapshot.sha256, databaseSize: snapshot.dbSize,
      stored: { file: 'snapshot.db.zst.age', size: object.length, sha256: sha256Of(object), encoding: ['zstd', 'age'] },
    });

    const file = await readFile(copyOn(snapshot, 'local').location ?? '');
    const decoded = zstdDecompressed(ageDecrypted(object, mine));
    expect(decoded.equals(file)).toBe(true);
    expect(zstdDecompressed(ageDecrypted(object, yours)).equals(file)).toBe(true);
    const path = await fileOf(decoded);
    expect((await snapshotStatus(path)).revision).toBe(snapshot.revision);
    expect(await restoredKeys(path)).toEqual(await allKeys(etcd.ctl));
  });
});
