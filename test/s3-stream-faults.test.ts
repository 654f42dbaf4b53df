// etcd's stream is broken while it is stored on disk and in a bucket: nothing of it is ever visible in either, and the retry succeeds.
// Every fault of the stream, with the disk alone, is in faults.test.ts.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import type { FaultProxy } from './fault-proxy.js';
import { type TestBucket, makeBucket } from './s3-bucket.js';
import { type S3FaultProxy, isBegin, startS3FaultProxy } from './s3-fault-proxy.js';
import { s3Suite } from './s3-suite.js';
import { createS3, keysOf } from './s3-target-calls.js';
import { completionOf, filesBelow, history, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';
import { type SnapshotFault, startSnapshotFaultProxy } from './snapshot-fault-proxy.js';

const clusterId = 'faulty';
/** Of a part and some, so that an upload has begun by then. */
const late = 12_000_000;

const faults: readonly (readonly [string, SnapshotFault, string])[] = [
  ['a byte is flipped', { kind: 'flip', afterBytes: late }, 'HASH_MISMATCH'],
  ['it ends early as if all were well', { kind: 'end-early', afterBytes: late }, 'STREAM_BROKEN'],
  ['8 KiB are missing and nobody says so', { kind: 'drop-middle' }, 'HASH_MISMATCH'],
  ['its trailer is stripped', { kind: 'strip-trailer' }, 'TRAILER_MISSING'],
];

await s3Suite('A stream of etcd that is broken while it is stored on S3', (server) => {
  let etcd: TestEtcd;
  let stream: FaultProxy<SnapshotFault>;
  let snapkeep: Snapkeep;
  let requests: S3FaultProxy;
  let bucket: TestBucket;
  let begun = 0;

  beforeAll(async () => {
    [etcd, bucket, requests, snapkeep] = await Promise.all([
      startEtcd(), makeBucket(server, { versioned: true }), startS3FaultProxy(server.endpoint), startSnapkeep({ SNAPKEEP_RETRY_SECONDS: '0.5' }),
    ]);
    await putKeys(etcd.connection, { count: 14_000, valueBytes: 1_000 });
    stream = await startSnapshotFaultProxy(etcd.endpoint);
    requests.setFault((each) => {
      if (isBegin(each)) begun += 1;
      return null;
    });
    await createS3(snapkeep, server, bucket, { endpoint: requests.endpoint });
    const policy = { recurringEnabled: false, targetIds: ['local', 's3'] };
    await registerEtcd(snapkeep, clusterId, { ...etcd.connection, endpoints: [stream.endpoint] }, { policy });
  });
  afterAll(async () => {
    await snapkeep.dispose();
    await Promise.all([stream.close(), requests.close()]);
    await Promise.all([etcd.stop(), bucket.dispose()]);
  });

  const request = async (): Promise<string> => (await mutate(snapkeep, 'snapshotNow', { clusterId })).id;
  const failuresOf = async (id: string): Promise<readonly unknown[]> =>
    (await history(snapkeep, clusterId)).filter(({ type, snapshotId }) => type === 'SnapshotPartFailed' && snapshotId === id).map(({ data }) => data['failure']);
  const everything = async (): Promise<readonly string[]> => [...await bucket.objects(), ...await bucket.uploads(), ...await filesBelow(snapkeep.localPath)];

  describe.each(faults)('%s', (_, fault, code) => {
    test('leaves no object, version, upload or file, however often it is tried', async () => {
      const before = await everything();
      stream.setFault(fault);
      const { outcome, snapshot } = await completionOf(snapkeep, await request());
      expect({ outcome, copies: snapshot.copies.filter(({ state }) => state === 'STORED') }).toEqual({ outcome: 'FAILED', copies: [] });
      expect(snapshot.failure).toMatchObject({ code });
      expect(await everything()).toEqual(before);
    });
  });

  test('the retry stores it on both when the fault is gone', async () => {
    stream.setFault({ kind: 'flip', afterBytes: late });
    const id = await request();
    await untilTrue('the first attempt has failed', async () => (await failuresOf(id)).length > 0);
    stream.setFault(null);
    const { outcome, snapshot } = await completionOf(snapkeep, id);
    expect({ outcome, attempts: snapshot.attempts }).toEqual({ outcome: 'TAKEN', attempts: 2 });
    expect(await bucket.objects()).toEqual(keysOf([snapshot], 's3', bucket));
    expect(await bucket.uploads()).toEqual([]);
    // One upload of this snapshot; the others were begun and withdrawn.
    expect(begun).toBeGreaterThan(1);
  });
});
