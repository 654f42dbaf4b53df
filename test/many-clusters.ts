// Many clusters whose slots are due within the same minute, on a real Snapkeep and a real etcd that all of them name.
// How slots are derived is tested in services/schedule; here none may be missed, doubled, or left behind by a worker that has more than it can do.
import { expect } from '@jest/globals';
import { peakMemory, residentMemory } from '../bench/process-usage.js';
import { startEtcd } from './etcd-process.js';
import { inTens } from './in-tens.js';
import { completions, cursorNow, mutate } from './snapkeep-calls.js';
import { startSnapkeep } from './snapkeep-process.js';
import type { Snapkeep } from './snapkeep-process.js';

interface SlotView { readonly kind: string; readonly state: string; readonly slot: string; readonly requestedAt: string; readonly completedAt: string }

/** What was seen, in milliseconds and clusters per second. */
export interface DueMinute {
  readonly registeredPerSecond: number;
  /** From a slot until it was requested. */
  readonly requestDelaysMs: readonly number[];
  readonly snapshotsPerSecond: number;
  readonly memory: { readonly beforeBytes: number; readonly peakBytes: number };
}

export interface DuePlan {
  readonly clusters: number;
  /** How long all registrations may take, before the first slot. */
  readonly leadMs: number;
  /** Over how many seconds the slots are spread, one minute at most. */
  readonly seconds: number;
}

export async function expectNoneMissed({ clusters, leadMs, seconds }: DuePlan): Promise<DueMinute> {
  const etcd = await startEtcd();
  const snapkeep = await startSnapkeep({ SNAPKEEP_PARALLEL: '8', SNAPKEEP_LEASE_SECONDS: '30', SNAPKEEP_IDLE_TIMEOUT_SECONDS: '60' });
  try {
    const first = Math.ceil((Date.now() + leadMs) / 1000) * 1000;
    const slotOf = new Map(Array.from({ length: clusters }, (_, at) => [`cluster-${at}`, new Date(first + at % seconds * 1000)]));
    const began = performance.now();
    await inTens([...slotOf], async ([id, slot]) => {
      const cron = `${slot.getUTCSeconds()} ${slot.getUTCMinutes()} ${slot.getUTCHours()} * * *`;
      await mutate(snapkeep, 'registerCluster', { id, endpoints: [etcd.endpoint], policy: { cron } });
    });
    const registeredPerSecond = clusters / (performance.now() - began) * 1000;
    expect(Date.now()).toBeLessThan(first);
    const beforeBytes = residentMemory(snapkeep.pid());
    await untilAllCompleted(snapkeep, clusters);
    const seen = new Map<string, SlotView>();
    await inTens([...slotOf], async ([id, slot]) => { seen.set(id, await onlySnapshot(snapkeep, id, slot)); });
    return { registeredPerSecond, ...pace([...seen.values()], first), memory: { beforeBytes, peakBytes: peakMemory(snapkeep.pid()) } };
  } finally {
    await snapkeep.dispose();
    await etcd.stop();
  }
}

async function untilAllCompleted(snapkeep: Snapkeep, clusters: number): Promise<void> {
  const ids = new Set<string>();
  for await (const { outcome, snapshot } of completions(snapkeep, { after: await cursorNow(snapkeep) })) {
    expect(outcome).toBe('TAKEN');
    ids.add(snapshot.id);
    if (ids.size === clusters) return;
  }
}

async function onlySnapshot(snapkeep: Snapkeep, clusterId: string, slot: Date): Promise<SlotView> {
  const query = 'query ($id: ID!) { snapshots(clusterId: $id) { nodes { kind state slot requestedAt completedAt } } }';
  const { snapshots: { nodes } } = await snapkeep.graphql<{ snapshots: { nodes: SlotView[] } }>(query, { id: clusterId });
  expect(nodes).toEqual([expect.objectContaining({ kind: 'RECURRING', state: 'TAKEN', slot: slot.toISOString() })]);
  return nodes[0] as SlotView;
}

function pace(seen: readonly SlotView[], first: number): Pick<DueMinute, 'requestDelaysMs' | 'snapshotsPerSecond'> {
  const last = Math.max(...seen.map(({ completedAt }) => Date.parse(completedAt)));
  return {
    requestDelaysMs: seen.map(({ slot, requestedAt }) => Date.parse(requestedAt) - Date.parse(slot)),
    snapshotsPerSecond: seen.length / (last - first) * 1000,
  };
}
