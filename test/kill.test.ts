// The service is killed with SIGKILL at random instants, again and again, while it snapshots, prunes and answers mutations.
// Afterwards the list, the files and the log must agree, and everything that was acknowledged must be there.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import {
  type Evidence, atRandomInstant, evidenceOf, expectFilesAsTold, expectListAsTold, expectNothingLost, killWhileStarting, ofType, untilSettled,
} from './kill-evidence.js';
import { type Acknowledged, mutationClients } from './mutation-clients.js';
import { seededRandom } from './seeded-random.js';
import { filesBelow, findCluster, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

const kills = 30;
const seed = 20_261_123;
const longestLifeMs = 1_500;
const manual = 'by-hand';
const recurring = 'by-cron';

let etcd: TestEtcd;
let snapkeep: Snapkeep;

beforeAll(async () => {
  [etcd, snapkeep] = await Promise.all([startEtcd(), startSnapkeep()]);
  await putKeys(etcd.connection, { count: 500 });
  await registerEtcd(snapkeep, manual, etcd.connection);
  await registerEtcd(snapkeep, recurring, etcd.connection, { policy: { cron: '* * * * * *', retentionCount: 2 } });
});
afterAll(async () => {
  await Promise.all([snapkeep.dispose(), etcd.stop()]);
});

test(`nothing acknowledged is lost and everything agrees after ${kills} kills (seed ${seed})`, async () => {
  const acknowledged = await killAgainAndAgain();
  await mutate(snapkeep, 'updatePolicy', { clusterId: recurring, recurringEnabled: false });
  await untilSettled(snapkeep, [manual, recurring]);
  const [byHand, byCron] = await Promise.all([evidenceOf(snapkeep, manual), evidenceOf(snapkeep, recurring)]);

  expect(acknowledged.requests.size).toBeGreaterThan(kills);
  expect(acknowledged.deletions.size).toBeGreaterThan(0);
  expectNothingLost(acknowledged, byHand);
  expectEachSlotOnce(byCron);
  for (const evidence of [byHand, byCron]) {
    expectListAsTold(evidence);
    await expectFilesAsTold([snapkeep.localPath], evidence);
  }
  await untilTrue('the spools of attempts that were killed are swept', async () => {
    const files = await filesBelow(snapkeep.localPath);
    return files.every((file) => [manual, recurring].some((clusterId) => file.startsWith(`${clusterId}/`)));
  });

  await rebuildReadModel();
  expect((await evidenceOf(snapkeep, manual)).listed).toEqual(byHand.listed);
  expect((await evidenceOf(snapkeep, recurring)).listed).toEqual(byCron.listed);
}, 240_000);

async function killAgainAndAgain(): Promise<Acknowledged> {
  const random = seededRandom(seed);
  const clients = mutationClients(snapkeep, random, manual);
  for (let killed = 0; killed < kills; killed += 1) {
    const work = clients.run();
    await Promise.race([work, atRandomInstant(random.next() * longestLifeMs)]);
    await snapkeep.kill9();
    await work;
    if (killed % 5 === 4) await killWhileStarting(snapkeep, random.next() * longestLifeMs);
    await snapkeep.start();
  }
  return clients.acknowledged;
}

function expectEachSlotOnce({ told }: Evidence): void {
  const slots = [...ofType(told, 'SnapshotRequested'), ...ofType(told, 'SnapshotSkipped')].flatMap(({ data }) => data['slot'] ?? []);
  expect(slots.length).toBeGreaterThan(5);
  expect(slots.filter((slot, at) => slots.indexOf(slot) !== at)).toEqual([]);
}

async function rebuildReadModel(): Promise<void> {
  expect(await snapkeep.stop()).toBe(0);
  const readStore = (await readdir(snapkeep.dataDir)).filter((name) => /^read/.test(name));
  expect(readStore).not.toEqual([]);
  for (const name of readStore) await rm(join(snapkeep.dataDir, name));
  await snapkeep.start();
  await untilTrue('the read model is rebuilt', async () => (await findCluster(snapkeep, recurring))?.policy?.recurring.enabled === false);
}
