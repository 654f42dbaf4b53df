// Processes of mixed roles that are killed at random, and what must hold then: no slot lost or doubled, nothing acknowledged lost, list and files as
// the log tells, the read store as a rebuild from zero, each completion seen once by each subscriber. The killing is in role-kills.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type CompletionSubscriber, subscribeToCompletions } from './completion-subscriber.js';
import { startEtcd } from './etcd-process.js';
import { putKeys } from './etcd-keys.js';
import { untilTrue } from './eventual-fact.js';
import { type Evidence, evidenceOf, expectFilesAsTold, expectListAsTold, expectNothingLost, ofType, untilSettled } from './kill-evidence.js';
import type { ProductionStores, ProductionSuite } from './production-stores.js';
import {
  type KillPlan, type KillsSurvived, type MixedProcesses, clusterIds, killAtRandom, manual, often, registerClusters, slotCluster, slotOffsets,
  slotsEverySeconds, startMixedProcesses,
} from './role-kills.js';
import { type HistoryView, cursorNow, findCluster, history, mutate } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

const catchUpWithinMs = 120_000;

/** To be awaited at the top of a test file. */
export async function rolesSurviveSuite(suite: ProductionSuite, name: string, plan: KillPlan, withinMs: number): Promise<void> {
  await suite(name, (openStores) => {
    let stores: ProductionStores;
    beforeAll(async () => {
      stores = await openStores();
    });
    afterAll(() => stores.dispose());

    test(`no slot, nothing acknowledged and no message is lost or doubled, and everything agrees (seed ${plan.seed})`, async () => {
      await expectRolesSurvive(stores, plan);
    }, withinMs);
  });
}

async function expectRolesSurvive(stores: ProductionStores, plan: KillPlan): Promise<void> {
  const etcd = await startEtcd();
  const processes = await startMixedProcesses(stores).catch(async (error: unknown) => {
    await etcd.stop();
    throw error;
  });
  let subscribers: readonly CompletionSubscriber[] = [];
  try {
    await putKeys(etcd.connection, { count: 200 });
    const api = firstOf(processes.apis);
    const after = await cursorNow(api);
    subscribers = processes.apis.map((own) => subscribeToCompletions([own, ...processes.apis.filter((other) => other !== own)], after));
    const begunAt = new Date();
    await registerClusters(processes, etcd.connection);
    const survived = await killAtRandom(processes, plan);
    expect(survived.kills).toBeGreaterThan(0);
    const evidence = await settledEvidence(api, survived.endedAt);
    expectSlotsOnce(evidence, begunAt, survived.endedAt);
    await expectAgreement(processes, evidence, survived);
    await expectRebuildAlike(stores, evidence, api);
    await expectCompletionsSeen(subscribers, evidence);
  } finally {
    await processes.dispose();
    await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
    await etcd.stop();
  }
}

/** Once the slots of that time have been asked for, and nothing is open any more. */
async function settledEvidence(api: Snapkeep, endedAt: Date): Promise<Evidence[]> {
  for (const offset of slotOffsets) {
    const last = slotsBetween(offset, new Date(endedAt.getTime() - slotsEverySeconds * 1_000), endedAt).at(-1);
    await untilTrue(`the slot ${last} is asked for`, async () => slotsIn(await history(api, slotCluster(offset))).includes(last), { withinMs: catchUpWithinMs });
  }
  for (const clusterId of clusterIds) if (clusterId !== manual) await mutate(api, 'updatePolicy', { clusterId, recurringEnabled: false });
  await untilSettled(api, clusterIds);
  return Promise.all(clusterIds.map((clusterId) => evidenceOf(api, clusterId)));
}

const slotsIn = (told: readonly HistoryView[]): unknown[] =>
  [...ofType(told, 'SnapshotRequested'), ...ofType(told, 'SnapshotSkipped')].flatMap(({ data }) => data['slot'] ?? []);

/** Planned behind `from`, up to and with `until`. */
function slotsBetween(offset: number, from: Date, until: Date): string[] {
  const [everyMs, offsetMs] = [slotsEverySeconds * 1_000, offset * 1_000];
  const first = Math.floor((from.getTime() - offsetMs) / everyMs) + 1;
  const last = Math.floor((until.getTime() - offsetMs) / everyMs);
  return Array.from({ length: last - first + 1 }, (_, at) => new Date((first + at) * everyMs + offsetMs).toISOString());
}

function expectSlotsOnce(evidence: readonly Evidence[], begunAt: Date, endedAt: Date): void {
  const told = new Map(evidence.map((one) => [one.clusterId, slotsIn(one.told)]));
  for (const [clusterId, slots] of told) expect([clusterId, slots.filter((slot, at) => slots.indexOf(slot) !== at)]).toEqual([clusterId, []]);
  expect(told.get(often)?.length).toBeGreaterThan(1);
  for (const offset of slotOffsets) {
    const registered = evidence.find(({ clusterId }) => clusterId === slotCluster(offset))?.told.at(-1)?.at;
    const due = slotsBetween(offset, registered === undefined ? begunAt : new Date(registered), endedAt);
    expect(told.get(slotCluster(offset))).toEqual(expect.arrayContaining(due));
  }
}

async function expectAgreement({ workers }: MixedProcesses, evidence: readonly Evidence[], { acknowledged }: KillsSurvived): Promise<void> {
  const byHand = firstOf(evidence);
  expect(acknowledged.reduce((sum, { requests }) => sum + requests.size, 0)).toBeGreaterThan(0);
  for (const one of acknowledged) expectNothingLost(one, byHand);
  const roots = workers.map(({ localPath }) => localPath);
  for (const one of evidence) {
    expectListAsTold(one);
    await untilTrue('what kills left is swept', () => expectFilesAsTold(roots, one).then(() => true, () => false)).catch(() => undefined);
    await expectFilesAsTold(roots, one);
  }
}

async function expectRebuildAlike(stores: ProductionStores, evidence: readonly Evidence[], api: Snapkeep): Promise<void> {
  const rebuilt = await startSnapkeep({ ...stores.envOfRebuild(), SNAPKEEP_ROLES: 'api,projector' });
  try {
    for (const { clusterId, told, listed } of evidence) {
      const again = await evidenceOf(rebuilt, clusterId);
      expect(again).toEqual({ clusterId, told, listed });
      expect({ ...await findCluster(rebuilt, clusterId) }).toEqual({ ...await findCluster(api, clusterId) });
    }
  } finally {
    await rebuilt.dispose();
  }
}

async function expectCompletionsSeen(subscribers: readonly CompletionSubscriber[], evidence: readonly Evidence[]): Promise<void> {
  const completed = evidence.flatMap(({ told }) => [...ofType(told, 'SnapshotTaken'), ...ofType(told, 'SnapshotFailed')]).map(({ snapshotId }) => snapshotId).sort();
  for (const { seen, connections } of subscribers) {
    await untilTrue('the subscriber has seen as many completions as there are', () => seen.length >= completed.length, { withinMs: catchUpWithinMs });
    expect(seen.map(({ snapshot }) => snapshot.id).sort()).toEqual(completed);
    expect(new Set(seen.map(({ cursor }) => cursor)).size).toBe(seen.length);
    expect(connections()).toBeGreaterThan(1);
  }
}

function firstOf<T>([first]: readonly T[]): T {
  if (first === undefined) throw new Error('unreachable: there are several');
  return first;
}
