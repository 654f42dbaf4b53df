// Secrets of S3 targets are planted wherever a person may give them, rightly or by mistake; then everything that Snapkeep wrote and
// said is searched for them. Those of clusters are planted in secrets.test.ts.
import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ageKeys } from '../services/encoding/encoding-tools.fixture.js';
import { putKeys } from './etcd-keys.js';
import { startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { makeBucket } from './s3-bucket.js';
import { s3Suite } from './s3-suite.js';
import { copyOn, createS3, testTarget } from './s3-target-calls.js';
import { findings, haystacks, listened, sendMalformed } from './secret-search.js';
import { attempt, completionOf, findSnapshot, history, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Variables, startSnapkeep } from './snapkeep-process.js';
import { createTlsCertificates } from './tls-certificates.js';

const planted = (what: string): string => `${what}-${randomBytes(16).toString('hex')}`;
/** The last four characters of an access key are shown; those before them are not. */
const hidden = (accessKey: string): string => accessKey.slice(0, -4);

await s3Suite('Secrets of S3 targets', (server) => {
  test('none is found in any file, log line or answer of a run with wrong, replaced, rejected and misplaced ones', async () => {
    using ages = ageKeys();
    const folder = await mkdtemp(join(tmpdir(), 'snapkeep-s3-secrets-'));
    const [etcd, bucket] = await Promise.all([startEtcd(), makeBucket(server)]);
    const snapkeep = listened(await startSnapkeep({ SNAPKEEP_LOG_LEVEL: 'trace', SNAPKEEP_RETRY_SECONDS: '0.2', SNAPKEEP_REPAIR_SECONDS: '0.2,0.2' }));
    const wrong = { accessKey: planted('wrong-access'), secretKey: planted('wrong-secret') };
    const rejected = { accessKey: planted('rejected-access'), secretKey: planted('rejected-secret') };
    const proxyPassword = planted('proxy');
    const identity = (await readFile(ages.make().identityFile, 'utf8')).split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-')) ?? '';
    const { ca, clientKey } = createTlsCertificates(folder);
    try {
      await putKeys(etcd.connection, { count: 100 });
      await createS3(snapkeep, server, bucket, { folder: 'kept', ...wrong });
      await createS3(snapkeep, server, bucket, { id: 'half', folder: 'half', secretKey: wrong.secretKey });
      await registerEtcd(snapkeep, 'planted', etcd.connection, { policy: { recurringEnabled: false, targetIds: ['local', 's3', 'half'] } });
      const takeNow = async () => completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId: 'planted' })).id);
      const partial = (await takeNow()).snapshot;
      expect(copyOn(partial, 's3').failure?.code).toBe('CREDENTIALS_REFUSED');
      expect(copyOn(partial, 'half').failure?.code).toBe('CREDENTIALS_REFUSED');
      for (const id of ['s3', 'half']) expect((await testTarget(snapkeep, id)).checks.some(({ ok }) => !ok)).toBe(true);

      const right = { accessKey: server.accessKeyId, secretKey: server.secretAccessKey };
      for (const id of ['s3', 'half']) await mutate(snapkeep, 'updateS3Target', { id, ...right });
      expect(await takeNow()).toMatchObject({ outcome: 'TAKEN' });
      await snapkeep.graphql('{ targets { id name kind ... on S3Target { accessKeyHint credentials endpoint hasCustomCa } } }');

      const again = { id: 's3', bucket: bucket.name, endpoint: server.endpoint, ...rejected };
      const faulty: readonly Variables[] = [
        again,
        { ...again, id: 'Not A Slug' },
        { ...again, id: 'x1', bucket: 'Not_A_Bucket', endpoint: `http://${rejected.accessKey}:${rejected.secretKey}@127.0.0.1/${rejected.secretKey}` },
        { ...again, id: 'x2', endpoint: `127.0.0.1/?secret=${rejected.secretKey}` },
        { ...again, id: 'x3', accessKey: ` ${rejected.accessKey}`, secretKey: `${rejected.secretKey}\n` },
        { id: 'x4', bucket: bucket.name, secretKey: rejected.secretKey },
        { ...again, id: 'x5', proxy: `http://user:${proxyPassword}@127.0.0.1:1` },
        { ...again, id: 'x6', ca: `${ca}${clientKey}` },
        { ...again, id: 'x7', ca: clientKey },
        { ...again, id: 'x8', ageRecipients: [identity] },
      ];
      for (const input of faulty) expect((await attempt(snapkeep, 'createS3Target', input)).userErrors).not.toEqual([]);
      const changes: readonly Variables[] = [{ ...rejected, useIam: true }, { secretKey: rejected.secretKey }, { ca: clientKey }, { ageRecipients: [identity] }];
      for (const change of changes) expect((await attempt(snapkeep, 'updateS3Target', { id: 's3', ...change })).userErrors).not.toEqual([]);
      const byVariable = 'mutation ($input: CreateS3TargetInput!) { createS3Target(input: $input) { target { id } } }';
      await sendMalformed(snapkeep, `mutation { createS3Target(input: { id: "x", bucket: "x", secretKey: ["${rejected.secretKey}"] }) { target { id } } }`);
      await sendMalformed(snapkeep, byVariable, { input: { ...again, secretKey: [rejected.secretKey] } });
      await sendMalformed(snapkeep, byVariable, { input: { ...again, ageRecipients: { is: identity } } });

      await mutate(snapkeep, 'updatePolicy', { clusterId: 'planted', targetIds: ['local'] });
      await mutate(snapkeep, 'deleteTarget', 's3');
      await mutate(snapkeep, 'deleteSnapshot', partial.id);
      await untilTrue('the snapshot is deleted', async () => (await findSnapshot(snapkeep, partial.id)).state === 'PRUNED');
      await mutate(snapkeep, 'updateS3Target', { id: 'half', useIam: true });
      await history(snapkeep, 'planted');

      const whileRunning = await haystacks(snapkeep);
      expect(await snapkeep.stop()).toBe(0);
      const secrets = {
        secretKey: right.secretKey, accessKey: hidden(right.accessKey), wrongSecret: wrong.secretKey, wrongAccess: hidden(wrong.accessKey),
        rejectedSecret: rejected.secretKey, rejectedAccess: hidden(rejected.accessKey), proxyPassword, identity, keyBody: clientKey.split('\n')[1] ?? '',
      };
      expect(findings(secrets, [...whileRunning, ...await haystacks(snapkeep)])).toEqual([]);
      expect(findings({ 'the cluster': 'planted', 'a bucket': bucket.name }, whileRunning)).toEqual(expect.arrayContaining(['the cluster in the log', 'a bucket in the answers']));
    } finally {
      await snapkeep.dispose();
      await Promise.all([etcd.stop(), bucket.dispose(), rm(folder, { recursive: true })]);
    }
  });
});
