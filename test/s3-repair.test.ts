// One of several targets that is down or hangs, through the running service: the others' copies are there, the failure is plain,
// and the copy is made up for by itself, without etcd. What each fault does to one copy is in s3-faults.test.ts.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { ageDecrypted, ageKeys } from '../services/encoding/encoding-tools.fixture.js';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { type ConnectionFault, type FaultProxy, startFaultProxy } from './fault-proxy.js';
import { type TestBucket, makeBucket } from './s3-bucket.js';
import { type S3FaultProxy, isBegin, isPart, startS3FaultProxy } from './s3-fault-proxy.js';
import { s3Suite } from './s3-suite.js';
import { copyOn, createS3, keyOf, keysOf } from './s3-target-calls.js';
import {
  type CompletionView, type SnapshotView, completionOf, completions, cursorNow, filesBelow, findSnapshot, history, mutate, registerEtcd,
} from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

const clusterId = 'several';
/** More than the repairs that a slow machine can need until the fault is gone. */
const repairPauses = Array.from({ length: 60 }, () => '0.5').join(',');

await s3Suite('Several targets of which one fails', (server) => {
  let etcd: TestEtcd;
  let snapkeep: Snapkeep;
  let bucket: TestBucket;
  let requests: S3FaultProxy;
  let connections: FaultProxy<ConnectionFault>;

  beforeAll(async () => {
    etcd = await startEtcd();
    await putKeys(etcd.connection, { count: 9_000, valueBytes: 1_000 });
    requests = await startS3FaultProxy(server.endpoint);
    connections = await startFaultProxy(requests.endpoint);
  });
  afterAll(async () => {
    await connections.close();
    await Promise.all([requests.close(), etcd.stop()]);
  });
  beforeEach(async () => {
    bucket = await makeBucket(server);
  });
  afterEach(async () => {
    requests.setFault(null);
    connections.setFault(null);
    await snapkeep.dispose();
    await bucket.dispose();
    await etcd.members[0]?.kill();
    await etcd.members[0]?.start();
  });

  const start = async (env: Readonly<Record<string, string>>, targetIds: readonly string[]): Promise<void> => {
    snapkeep = await startSnapkeep({ SNAPKEEP_REPAIR_SECONDS: repairPauses, SNAPKEEP_RETRY_SECONDS: '0.2', ...env });
    await createS3(snapkeep, server, bucket, { endpoint: connections.endpoint, folder: 'failing', requestTimeoutSeconds: 60 });
    await registerEtcd(snapkeep, clusterId, etcd.connection, { policy: { recurringEnabled: false, targetIds } });
  };
  const request = async (): Promise<string> => (await mutate(snapkeep, 'snapshotNow', { clusterId })).id;
  const takenOf = async (id: string): Promise<SnapshotView> => {
    await untilTrue('the copy is made up for', async () => (await findSnapshot(snapkeep, id)).state === 'TAKEN');
    return findSnapshot(snapkeep, id);
  };
  const stopEtcd = async (): Promise<void> => etcd.members[0]?.kill();
  const readsOfEtcd = async (): Promise<number> => (await history(snapkeep, clusterId)).filter(({ type }) => type === 'SnapshotStarted').length;

  test('a target that is down costs its own copy alone, once announced, and gets it from the stored one when it is back', async () => {
    await start({}, ['local', 's3']);
    const after = await cursorNow(snapkeep);
    connections.setFault({ kind: 'refuse' });
    const { outcome, snapshot } = await completionOf(snapkeep, await request());
    expect(outcome).toBe('PARTIAL');
    expect(snapshot).toMatchObject({ state: 'PARTIAL', failure: null });
    expect(copyOn(snapshot, 'local').state).toBe('STORED');
    expect(copyOn(snapshot, 's3')).toMatchObject({
      state: 'FAILED', location: null, failure: { step: 'PREFLIGHT', code: 'UNREACHABLE', message: expect.stringContaining(new URL(connections.endpoint).host) },
    });

    await stopEtcd();
    connections.setFault(null);
    const taken = await takenOf(snapshot.id);
    expect(copyOn(taken, 's3')).toMatchObject({ state: 'STORED', failure: null, sha256: snapshot.sha256, verification: 'STRUCTURE_OK' });
    expect((await bucket.get(keyOf(copyOn(taken, 's3'), bucket))).equals(await readFile(copyOn(taken, 'local').location ?? ''))).toBe(true);
    expect(await bucket.objects()).toEqual(keysOf([taken], 's3', bucket));
    expect(await readsOfEtcd()).toBe(1);

    const next = await request();
    const announced: CompletionView[] = [];
    for await (const completion of completions(snapkeep, { clusterId, after })) {
      announced.push(completion);
      if (completion.snapshot.id === next) break;
    }
    expect(announced.map((each) => [each.snapshot.id, each.outcome])).toEqual([[snapshot.id, 'PARTIAL'], [next, 'FAILED']]);
  });

  test('a target that goes away in the middle of the parts gets its copy when it is back, and keeps nothing of what was begun before', async () => {
    await start({}, ['local', 's3']);
    let parts = 0;
    requests.setFault((each) => {
      if (isPart(each)) parts += 1;
      if (parts === 2) connections.setFault({ kind: 'refuse' });
      return null;
    });
    const { outcome, snapshot } = await completionOf(snapkeep, await request());
    expect({ outcome, copy: copyOn(snapshot, 's3') }).toMatchObject({ outcome: 'PARTIAL', copy: { state: 'FAILED', failure: { step: 'COMMIT', code: 'UNREACHABLE' } } });
    expect(await bucket.objects()).toEqual([]);
    expect(await bucket.uploads()).toEqual([`failing/${clusterId}/${snapshot.name}/1/snapshot.db`]);

    requests.setFault(null);
    connections.setFault(null);
    const taken = await takenOf(snapshot.id);
    expect(copyOn(taken, 's3')).toMatchObject({ state: 'STORED', sha256: snapshot.sha256 });
    expect(await bucket.objects()).toEqual(keysOf([taken], 's3', bucket));
    // The next sweep takes away what the attempt could not.
    expect(await snapkeep.stop()).toBe(0);
    await snapkeep.start();
    await untilTrue('what was begun is taken away', async () => (await bucket.uploads()).length === 0);
    expect(await bucket.objects()).toEqual(keysOf([taken], 's3', bucket));
    expect(await readsOfEtcd()).toBe(1);
  });

  test('a target that hangs keeps no other waiting, and ends its own copy when it goes on', async () => {
    await start({}, ['local', 's3']);
    requests.setFault((each) => (isPart(each) ? { kind: 'hang' } : null));
    const struck = requests.nextStrike();
    const id = await request();
    await struck;
    const folder = `${clusterId}/${(await findSnapshot(snapkeep, id)).name}/1`;
    await untilTrue('the copy on disk is whole', async () => (await filesBelow(snapkeep.localPath)).includes(`${folder}/manifest.json`));
    expect(await filesBelow(snapkeep.localPath, clusterId)).toEqual([`${folder}/manifest.json`, `${folder}/snapshot.db`]);
    expect(await bucket.objects()).toEqual([]);
    expect(await bucket.uploads()).toEqual([`failing/${folder}/snapshot.db`]);
    expect((await findSnapshot(snapkeep, id)).state).toBe('RUNNING');

    requests.setFault(null);
    requests.breakAll();
    expect((await completionOf(snapkeep, id)).outcome).toBe('TAKEN');
  });

  test('a target that hangs past its bound is given up, holds up no stop, is repaired after a restart, and nothing of any try is left in the bucket', async () => {
    await start({ SNAPKEEP_STALL_SECONDS: '1', SNAPKEEP_DRAIN_SECONDS: '1' }, ['local', 's3']);
    const hangAfterBegin = (): void => {
      let begun = false;
      requests.setFault((each) => {
        if (begun) return { kind: 'hang' };
        begun = isBegin(each);
        return null;
      });
    };
    hangAfterBegin();
    const { outcome, snapshot } = await completionOf(snapkeep, await request());
    expect({ outcome, copy: copyOn(snapshot, 's3') }).toMatchObject({ outcome: 'PARTIAL', copy: { state: 'FAILED', failure: { step: 'COMMIT', code: 'COPY_STALLED' } } });
    await stopEtcd();
    hangAfterBegin();
    requests.breakAll();
    await untilTrue('a repair has failed too', async () => (await history(snapkeep, clusterId)).some(({ type }) => type === 'SnapshotCopyFailed'));
    expect(await bucket.uploads()).toContainEqual(expect.stringMatching(/\/1-repair-\d+-[^/]+\/snapshot\.db$/));

    expect(await snapkeep.stop()).toBe(0);
    requests.setFault(null);
    requests.breakAll();
    await snapkeep.start();
    const taken = await takenOf(snapshot.id);
    expect(await bucket.objects()).toEqual(keysOf([taken], 's3', bucket));
    expect(await readsOfEtcd()).toBe(1);

    expect(await snapkeep.stop()).toBe(0);
    await snapkeep.start();
    await untilTrue('every left-over is swept', async () => (await bucket.uploads()).length === 0);
    expect(await bucket.objects()).toEqual(keysOf([taken], 's3', bucket));
  });

  test('where every stored copy is encrypted the failed one is made from the spool, or says that it cannot be', async () => {
    using keys = ageKeys();
    const key = keys.make();
    const sealed = { id: 'sealed', folder: 'sealed', ageRecipients: [key.recipient] };
    await start({}, ['s3']);
    await createS3(snapkeep, server, bucket, sealed);
    await mutate(snapkeep, 'updatePolicy', { clusterId, targetIds: ['sealed', 's3'] });
    connections.setFault({ kind: 'refuse' });
    const partial = (await completionOf(snapkeep, await request())).snapshot;
    expect(partial).toMatchObject({ state: 'PARTIAL', copies: [{ state: 'STORED', encoding: ['age'] }, { state: 'FAILED' }] });
    await stopEtcd();
    connections.setFault(null);
    const taken = await takenOf(partial.id);
    const [encrypted, plain] = [copyOn(taken, 'sealed'), copyOn(taken, 's3')];
    expect(ageDecrypted(await bucket.get(keyOf(encrypted, bucket)), key).equals(await bucket.get(keyOf(plain, bucket)))).toBe(true);

    await etcd.members[0]?.start();
    connections.setFault({ kind: 'refuse' });
    const lost = (await completionOf(snapkeep, await request())).snapshot;
    expect(await snapkeep.stop()).toBe(0);
    connections.setFault(null);
    await snapkeep.start();
    await untilTrue('it is said that the spool is gone', async () => copyOn(await findSnapshot(snapkeep, lost.id), 's3').failure?.code === 'COPY_ENCRYPTED');
    expect((await findSnapshot(snapkeep, lost.id)).state).toBe('PARTIAL');
  });
});
