// The service is killed with SIGKILL at random instants, again and again, while it snapshots, prunes and answers mutations.
// Afterwards the list, the files and the log must agree, and everything that was acknowledged must be there.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { type Acknowledged, mutationClients } from './mutation-clients.js';
import { seededRandom } from './seeded-random.js';
import { type HistoryView, type SnapshotView, filesBelow, findCluster, history, listSnapshots, mutate, registerEtcd, sha256Of } from './snapkeep-calls.js';
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
  await untilSettled();
  const [byHand, byCron] = await Promise.all([evidenceOf(manual), evidenceOf(recurring)]);

  expect(acknowledged.requests.size).toBeGreaterThan(kills);
  expect(acknowledged.deletions.size).toBeGreaterThan(0);
  expectNothingLost(acknowledged, byHand);
  expectEachSlotOnce(byCron);
  for (const evidence of [byHand, byCron]) {
    expectListAsTold(evidence);
    await expectFilesAsTold(evidence);
  }
  const leftovers = (await filesBelow(snapkeep.localPath)).filter((file) => ![manual, recurring].some((clusterId) => file.startsWith(`${clusterId}/`)));
  expect(leftovers).toEqual([]);

  await rebuildReadModel();
  expect((await evidenceOf(manual)).listed).toEqual(byHand.listed);
  expect((await evidenceOf(recurring)).listed).toEqual(byCron.listed);
}, 240_000);

async function killAgainAndAgain(): Promise<Acknowledged> {
  const random = seededRandom(seed);
  const clients = mutationClients(snapkeep, random, manual);
  for (let killed = 0; killed < kills; killed += 1) {
    const work = clients.run();
    await Promise.race([work, atRandomInstant(random.next() * longestLifeMs)]);
    await snapkeep.kill9();
    await work;
    if (killed % 5 === 4) await killWhileStarting(random.next() * longestLifeMs);
    await snapkeep.start();
  }
  return clients.acknowledged;
}

/** What the ledger tells of a cluster, and what the list shows. */
interface Evidence {
  readonly clusterId: string;
  readonly told: readonly HistoryView[];
  readonly listed: readonly SnapshotView[];
}

async function evidenceOf(clusterId: string): Promise<Evidence> {
  return { clusterId, told: await history(snapkeep, clusterId), listed: await listSnapshots(snapkeep, clusterId) };
}

function atRandomInstant(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}

async function killWhileStarting(ms: number): Promise<void> {
  await snapkeep.start({ ready: false });
  await atRandomInstant(ms);
  await snapkeep.kill9();
}

async function untilSettled(): Promise<void> {
  await mutate(snapkeep, 'updatePolicy', { clusterId: recurring, recurringEnabled: false });
  await untilTrue('nothing is open any more', async () => {
    const alive = { states: ['REQUESTED', 'RUNNING', 'TAKEN', 'PARTIAL'] };
    const all = [...await listSnapshots(snapkeep, manual, alive), ...await listSnapshots(snapkeep, recurring, alive)];
    return all.every(({ state, copies }) => !['REQUESTED', 'RUNNING'].includes(state) && copies.every((copy) => copy.state !== 'PRUNING'));
  }, { withinMs: 60_000 });
}

const ofType = (told: readonly HistoryView[], type: string): readonly HistoryView[] => told.filter((entry) => entry.type === type);

function expectNothingLost(acknowledged: Acknowledged, { told, listed }: Evidence): void {
  const requested = ofType(told, 'SnapshotRequested').map(({ data, snapshotId }): [unknown, string | null] => [data['idempotencyKey'], snapshotId]);
  const byKey = new Map(requested);
  expect(byKey.size).toBe(requested.length);
  expect([...acknowledged.requests].filter(([key, id]) => byKey.get(key) !== id)).toEqual([]);

  const policies = new Map(ofType(told, 'PolicyUpdated').map(({ data }) => [data['revision'], data['retentionCount']]));
  expect([...acknowledged.policies].filter(([revision, count]) => policies.get(revision) !== count)).toEqual([]);

  const byId = new Map(listed.map((snapshot) => [snapshot.id, snapshot]));
  expect([...acknowledged.pins].filter((id) => byId.get(id)?.pinned !== true)).toEqual([]);
  expect([...acknowledged.deletions].filter((id) => byId.get(id)?.state !== 'PRUNED')).toEqual([]);
}

function expectEachSlotOnce({ told }: Evidence): void {
  const slots = [...ofType(told, 'SnapshotRequested'), ...ofType(told, 'SnapshotSkipped')].flatMap(({ data }) => data['slot'] ?? []);
  expect(slots.length).toBeGreaterThan(5);
  expect(slots.filter((slot, at) => slots.indexOf(slot) !== at)).toEqual([]);
}

/** Each request has one end, etcd was well so that it is a good one, and what is kept is what retention keeps. */
function expectListAsTold({ told, listed }: Evidence): void {
  const idsOf = (type: string): (string | null)[] => ofType(told, type).map(({ snapshotId }) => snapshotId).sort();
  expect(listed.map(({ id }) => id).sort()).toEqual(idsOf('SnapshotRequested'));
  expect(idsOf('SnapshotTaken')).toEqual(idsOf('SnapshotRequested'));
  expect(idsOf('SnapshotFailed')).toEqual([]);
  expect(listed.filter(({ state }) => state === 'PRUNED').map(({ id }) => id).sort()).toEqual(idsOf('SnapshotPruned'));
  expect(listed.filter(({ state }) => !['TAKEN', 'PRUNED'].includes(state))).toEqual([]);
  const everyRecurring = listed.filter(({ kind }) => kind === 'RECURRING');
  expect(everyRecurring.filter(({ state }) => state === 'TAKEN')).toEqual(everyRecurring.slice(0, 2));
}

async function expectFilesAsTold({ clusterId, told, listed }: Evidence): Promise<void> {
  const hashes = new Map(ofType(told, 'SnapshotTaken').map(({ snapshotId, data }) => [snapshotId, data['copies']]));
  const stored = listed.filter(({ state }) => state === 'TAKEN');
  const files = stored.map(({ copies }) => relative(snapkeep.localPath, copies[0]?.location ?? ''));
  for (const { id, copies } of stored) {
    expect(hashes.get(id)).toMatchObject([{ storedSha256: await sha256Of(copies[0]?.location ?? '') }]);
  }
  const found = await filesBelow(snapkeep.localPath, clusterId);
  expect(found).toEqual(files.flatMap((file) => [file, file.replace(/snapshot\.db$/, 'manifest.json')]).sort());
}

async function rebuildReadModel(): Promise<void> {
  expect(await snapkeep.stop()).toBe(0);
  const readStore = (await readdir(snapkeep.dataDir)).filter((name) => /^read/.test(name));
  expect(readStore).not.toEqual([]);
  for (const name of readStore) await rm(join(snapkeep.dataDir, name));
  await snapkeep.start();
  await untilTrue('the read model is rebuilt', async () => (await findCluster(snapkeep, recurring))?.policy?.recurring.enabled === false);
}
