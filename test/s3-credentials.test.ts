// A service that is given no keys, on an instance whose metadata hand them out and replace them: snapshots before and after.
// How each source is found, and a refresh in the middle of an upload, is tested beside the adapter.
import { expect, test } from '@jest/globals';
import { putKeys } from './etcd-keys.js';
import { startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { startMetadataEndpoint } from './metadata-endpoint.js';
import { makeBucket } from './s3-bucket.js';
import { addS3Keys } from './s3-server.js';
import { s3Suite } from './s3-suite.js';
import { createS3, keysOf, testTarget } from './s3-target-calls.js';
import { type SnapshotView, completionOf, mutate, registerEtcd } from './snapkeep-calls.js';
import { startSnapkeep } from './snapkeep-process.js';

const clusterId = 'iam';
/** The SDK takes what is valid for less than five minutes as expired, and asks again. */
const soon = 5 * 60_000 + 1_000;
const long = 3_600_000;

await s3Suite('Keys of the instance', (server) => {
  (server.admin === null ? test.skip : test)('are used for snapshots, and their successors when they are replaced', async () => {
    const [old, next] = [await addS3Keys(server), await addS3Keys(server)];
    const [etcd, bucket, metadata] = await Promise.all([startEtcd(), makeBucket(server), startMetadataEndpoint(old, soon)]);
    const snapkeep = await startSnapkeep({
      AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_ACCESS_KEY_ID: '', AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
    });
    try {
      await putKeys(etcd.connection, { count: 100 });
      await createS3(snapkeep, server, bucket, { accessKey: null, secretKey: null });
      await registerEtcd(snapkeep, clusterId, etcd.connection, { policy: { recurringEnabled: false, targetIds: ['s3'] } });
      const take = async (): Promise<SnapshotView> => {
        const { outcome, snapshot } = await completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId })).id);
        expect({ outcome, failure: snapshot.failure }).toEqual({ outcome: 'TAKEN', failure: null });
        return snapshot;
      };
      const source = async (): Promise<string | null> => {
        const { checks } = await testTarget(snapkeep, 's3');
        expect(checks.filter(({ ok }) => !ok)).toEqual([]);
        return checks.find(({ name }) => name === 'credentials')?.message ?? null;
      };

      const first = await take();
      expect(await source()).toMatch(/^from the instance metadata, valid until /);
      expect(metadata.handedOut(old.accessKeyId)).toBeGreaterThan(0);

      metadata.handOut(next, long);
      await untilTrue('the new keys are fetched', async () => {
        await source();
        return metadata.handedOut(next.accessKeyId) > 0;
      });
      await old.remove();
      const second = await take();
      expect(await source()).toMatch(/^from the instance metadata, valid until /);
      expect(await bucket.objects()).toEqual(keysOf([first, second], 's3', bucket));
    } finally {
      await snapkeep.dispose();
      await Promise.all([etcd.stop(), bucket.dispose(), metadata.close()]);
      await next.remove();
    }
  });
});
