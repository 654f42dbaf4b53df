// The service is killed with SIGKILL at random instants while it stores snapshots on disk and in a bucket, prunes and deletes them.
// Afterwards the bucket holds exactly what the list shows, versions and unfinished uploads included. The disk alone: kill.test.ts.
import { expect, test } from '@jest/globals';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { atRandomInstant, evidenceOf, expectFilesAsTold, expectListAsTold, expectNothingLost, killWhileStarting, untilSettled } from './kill-evidence.js';
import { type Acknowledged, mutationClients } from './mutation-clients.js';
import { type TestBucket, makeBucket } from './s3-bucket.js';
import { s3Suite } from './s3-suite.js';
import { createS3, keysOf } from './s3-target-calls.js';
import { seededRandom } from './seeded-random.js';
import { mutate, registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

const kills = 8;
const seed = 20_261_125;
const longestLifeMs = 2_500;
const manual = 'by-hand';
const recurring = 'by-cron';

await s3Suite('A service that is killed while it stores on S3', (server) => {
  let etcd: TestEtcd;
  let snapkeep: Snapkeep;
  let bucket: TestBucket;

  async function killAgainAndAgain(): Promise<Acknowledged> {
    const random = seededRandom(seed);
    const clients = mutationClients(snapkeep, random, manual);
    for (let killed = 0; killed < kills; killed += 1) {
      const work = clients.run();
      await Promise.race([work, atRandomInstant(500 + random.next() * longestLifeMs)]);
      await snapkeep.kill9();
      await work;
      if (killed % 4 === 3) await killWhileStarting(snapkeep, random.next() * longestLifeMs);
      await snapkeep.start();
    }
    return clients.acknowledged;
  }

  test(`nothing acknowledged is lost, and list, files, bucket and log agree after ${kills} kills (seed ${seed})`, async () => {
    [etcd, snapkeep, bucket] = await Promise.all([startEtcd(), startSnapkeep({ SNAPKEEP_REPAIR_SECONDS: '1,1,1,1,1,1,1,1' }), makeBucket(server, { versioned: true })]);
    try {
      await putKeys(etcd.connection, { count: 9_000, valueBytes: 1_000 });
      await createS3(snapkeep, server, bucket, { folder: 'killed' });
      await bucket.put('killed/by-hand/somebody-elses');
      const targetIds = ['local', 's3'];
      await registerEtcd(snapkeep, manual, etcd.connection, { policy: { recurringEnabled: false, targetIds } });
      await registerEtcd(snapkeep, recurring, etcd.connection, { policy: { cron: '*/2 * * * * *', retentionCount: 2, targetIds } });

      const acknowledged = await killAgainAndAgain();
      await mutate(snapkeep, 'updatePolicy', { clusterId: recurring, recurringEnabled: false });
      await untilSettled(snapkeep, [manual, recurring]);
      expect(await snapkeep.stop()).toBe(0);
      await snapkeep.start();

      const all = await Promise.all([manual, recurring].map((clusterId) => evidenceOf(snapkeep, clusterId)));
      const expected = [...keysOf(all.flatMap(({ listed }) => listed), 's3', bucket), 'killed/by-hand/somebody-elses'].sort();
      await untilTrue('what kills left is swept', async () =>
        (await bucket.uploads()).length === 0 && (await bucket.objects()).length === expected.length);
      expect(await bucket.objects()).toEqual(expected);

      expect(acknowledged.requests.size).toBeGreaterThan(0);
      for (const evidence of all) {
        expectListAsTold(evidence);
        await expectFilesAsTold([snapkeep.localPath], evidence);
      }
      const [byHand] = all;
      if (byHand) expectNothingLost(acknowledged, byHand);
    } finally {
      await Promise.all([snapkeep.dispose(), etcd.stop()]);
      await bucket.dispose();
    }
  }, 240_000);
});
