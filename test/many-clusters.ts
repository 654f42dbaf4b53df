// Many clusters whose slots are due within the same minute, on a real Snapkeep, of one process or several, and a real etcd that all of them name.
// How slots are derived is tested in services/schedule; here none may be missed, doubled, or left behind by a worker that has more than it can do.
import { expect } from '@jest/globals';
import { peakMemory, processorSecondsOf, residentMemory } from '../bench/process-usage.js';
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
  /** By what each process does. */
  readonly use: ReadonlyMap<string, ProcessUse>;
}

export interface ProcessUse {
  /** Resident, with all clusters registered. */
  readonly beforeBytes: number;
  readonly peakBytes: number;
  /** Of the processor, from then to the last completion. */
  readonly seconds: number;
}

export interface DuePlan {
  readonly clusters: number;
  /** How long all registrations may take, before the first slot. */
  readonly leadMs: number;
  /** Over how many seconds the slots are spread, one minute at most. */
  readonly seconds: number;
}

/** Settings of each process, by what it does. The first is the API that is asked. */
export type Processes = Readonly<Record<string, Readonly<Record<string, string>>>>;

export async function expectNoneMissed({ clusters, leadMs, seconds }: DuePlan, wanted: Processes = { 'all roles': {} }): Promise<DueMinute> {
  const etcd = await startEtcd();
  const processes = new Map<string, Snapkeep>();
  try {
    const busy = { SNAPKEEP_PARALLEL: '8', SNAPKEEP_LEASE_SECONDS: '30', SNAPKEEP_IDLE_TIMEOUT_SECONDS: '60' };
    for (const [name, env] of Object.entries(wanted)) processes.set(name, await startSnapkeep({ ...busy, ...env }));
    const [snapkeep] = processes.values();
    if (snapkeep === undefined) throw new Error('no process is wanted');
    const first = Math.ceil((Date.now() + leadMs) / 1000) * 1000;
    const slotOf = new Map(Array.from({ length: clusters }, (_, at) => [`cluster-${at}`, new Date(first + at % seconds * 1000)]));
    const began = performance.now();
    await inTens([...slotOf], async ([id, slot]) => {
      const cron = `${slot.getUTCSeconds()} ${slot.getUTCMinutes()} ${slot.getUTCHours()} * * *`;
      await mutate(snapkeep, 'registerCluster', { id, endpoints: [etcd.endpoint], policy: { cron } });
    });
    const registeredPerSecond = clusters / (performance.now() - began) * 1000;
    expect(Date.now()).toBeLessThan(first);
    const useOf = useFromNow(processes);
    await untilAllCompleted(snapkeep, clusters);
    const use = useOf();
    const seen = new Map<string, SlotView>();
    await inTens([...slotOf], async ([id, slot]) => { seen.set(id, await onlySnapshot(snapkeep, id, slot)); });
    return { registeredPerSecond, ...pace([...seen.values()], first), use };
  } finally {
    await Promise.all([...processes.values()].map((process) => process.dispose()));
    await etcd.stop();
  }
}

function useFromNow(processes: ReadonlyMap<string, Snapkeep>): () => ReadonlyMap<string, ProcessUse> {
  const before = new Map([...processes].map(([name, process]) =>
    [name, { bytes: residentMemory(process.pid()), seconds: processorSecondsOf(process.pid()) }]));
  return () => new Map([...processes].map(([name, process]) => {
    const { bytes = Number.NaN, seconds = Number.NaN } = before.get(name) ?? {};
    return [name, { beforeBytes: bytes, peakBytes: peakMemory(process.pid()), seconds: processorSecondsOf(process.pid()) - seconds }];
  }));
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
