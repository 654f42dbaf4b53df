// Asks the ledger for each cluster's recurring snapshots at their slots, and for the latest missed one at start.
// Decides nothing about a snapshot: the ledger refuses what was asked before. Is told of policies by whoever follows the log.
import type { Jobs } from './jobs.js';
import { latestSlot, nextSlot } from './slots.js';
import type { Recurring } from '../../events/cluster-events.js';

/** `settled`: requested, skipped or refused for good, now or before. `early`: the ledger's clock is behind the slot. */
export type SlotOutcome = 'settled' | 'early';

export interface SchedulerParts {
  readonly jobs: Jobs;
  /** Issues the ledger's command; may be asked twice for one slot. Throws when the ledger cannot be reached. */
  readonly requestSlot: (clusterId: string, slot: string) => Promise<SlotOutcome>;
  readonly clock: { now(): Date };
  /** Calls `check` every few seconds by a timer that no wall clock moves, until the returned function is called. */
  readonly watch: (check: () => void) => () => void;
  /** Hears each attempt that failed, for the log; what still fails is in `state().troubles`. */
  readonly onTrouble: (trouble: SlotTrouble) => void;
}

export interface SlotTrouble {
  readonly clusterId: string;
  readonly attempts: number;
  readonly since: string;
  readonly message: string;
}

export interface SchedulerState {
  readonly caughtUp: boolean;
  readonly clusters: number;
  readonly troubles: readonly SlotTrouble[];
}

export interface Scheduler {
  start(): Promise<void>;
  /** The cluster's schedule from now on; `null` when it has no policy or was removed. */
  setRecurring(clusterId: string, recurring: Recurring | null): void;
  /** The log shows this slot as requested or skipped. */
  markSettled(clusterId: string, slot: string): void;
  /** Everything in the log so far was told: nothing is scheduled before, and missed slots are caught up now. */
  setCaughtUp(): void;
  state(): SchedulerState;
  /** Resolves when nothing is under way: a fact for tests and for a drain. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

interface Entry {
  /** `null` once the cluster is gone; the entry follows when its wake-up call is cancelled. */
  recurring: Recurring | null;
  settled: string | null;
  trouble: SlotTrouble | null;
  retryAt: number;
  /** When it is to be woken, in milliseconds of the wall clock; Infinity without a call. */
  wakeAt: number;
  work: Promise<void>;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const CLOCK_STEP_MS = 1000;
/** A call may have been given to another scheduler, which has settled the slot or has ended before it could. */
const OVERDUE_MS = 10_000;

export function createScheduler({ jobs, requestSlot, clock, watch, onTrouble }: SchedulerParts): Scheduler {
  const entries = new Map<string, Entry>();
  let caughtUp = false;
  let stopped = false;
  let seen = clock.now().getTime();
  let unwatch = (): void => undefined;

  const isCurrent = (clusterId: string, entry: Entry): boolean => !stopped && entries.get(clusterId) === entry;
  const missedSlot = ({ recurring, settled }: Entry): string | null => {
    const slot = recurring && latestSlot(recurring, clock.now().toISOString());
    return slot === settled ? null : slot;
  };

  /** One step at a time for each cluster, so that a late step never undoes a newer one. */
  const enqueue = (clusterId: string, step: (entry: Entry) => Promise<void>): void => {
    const entry = entries.get(clusterId);
    if (!entry || !caughtUp || stopped) return;
    entry.work = entry.work.then(async () => {
      if (!isCurrent(clusterId, entry)) return;
      await step(entry).catch((error: unknown) => noteTrouble(clusterId, entry, error));
    });
  };
  const noteTrouble = (clusterId: string, entry: Entry, error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    const { attempts = 0, since = clock.now().toISOString() } = entry.trouble ?? {};
    entry.trouble = { clusterId, attempts: attempts + 1, since, message };
    onTrouble(entry.trouble);
  };

  const wakeAt = async (clusterId: string, entry: Entry, at: string | null): Promise<void> => {
    if (!isCurrent(clusterId, entry)) return;
    entry.wakeAt = at === null ? Infinity : Date.parse(at);
    if (at !== null) return jobs.schedule(clusterId, at);
    await jobs.cancel(clusterId);
    if (entry.recurring === null) entries.delete(clusterId);
  };
  const plan = async (clusterId: string, entry: Entry): Promise<void> => {
    const now = clock.now().getTime();
    if (missedSlot(entry) !== null) return wakeAt(clusterId, entry, new Date(retryTime(entry, now)).toISOString());
    await wakeAt(clusterId, entry, entry.recurring && nextSlot(entry.recurring, new Date(now).toISOString()));
    entry.trouble = null;
  };
  const settleDue = async (clusterId: string, entry: Entry): Promise<void> => {
    const slot = missedSlot(entry);
    if (slot === null) return plan(clusterId, entry);
    const outcome = await requestSlot(clusterId, slot).catch((error: unknown) => noteTrouble(clusterId, entry, error));
    if (outcome === 'settled') {
      entry.settled = slot;
      entry.trouble = null;
    } else {
      entry.retryAt = clock.now().getTime() + pauseAfter(entry.trouble?.attempts ?? 1);
    }
    await plan(clusterId, entry);
  };

  const replan = (clusterId: string): void => enqueue(clusterId, (entry) => plan(clusterId, entry));
  /** After a step back every planned instant is too far away; a plan that failed is made again, and one that nobody was woken by. */
  const check = (): void => {
    const now = clock.now().getTime();
    const steppedBack = now < seen - CLOCK_STEP_MS;
    seen = now;
    for (const [clusterId, { trouble, wakeAt: due }] of entries) if (steppedBack || trouble || due + OVERDUE_MS < now) replan(clusterId);
  };
  const idle = async (): Promise<void> => {
    await Promise.all([...entries.values()].map((entry) => entry.work));
  };

  return {
    async start() {
      await jobs.start((clusterId) => enqueue(clusterId, (entry) => settleDue(clusterId, entry)));
      unwatch = watch(check);
    },
    setRecurring(clusterId, recurring) {
      const entry = entries.get(clusterId);
      if (entry) entry.recurring = recurring;
      else if (recurring) entries.set(clusterId, newEntry(recurring));
      replan(clusterId);
    },
    markSettled(clusterId, slot) {
      const entry = entries.get(clusterId);
      if (entry) entry.settled = slot;
    },
    setCaughtUp() {
      caughtUp = true;
      for (const clusterId of entries.keys()) replan(clusterId);
    },
    state() {
      const troubles = [...entries.values()].flatMap(({ trouble }) => trouble ?? []);
      return { caughtUp, clusters: entries.size, troubles };
    },
    idle,
    async stop() {
      stopped = true;
      unwatch();
      await jobs.stop();
      await idle();
    },
  };
}

function newEntry(recurring: Recurring): Entry {
  return { recurring, settled: null, trouble: null, retryAt: 0, wakeAt: Infinity, work: Promise.resolve() };
}

/** Never further away than the longest pause, whatever the wall clock did since the failure. */
function retryTime({ retryAt }: Entry, now: number): number {
  return retryAt > now && retryAt - now <= LONGEST_PAUSE_MS ? retryAt : now;
}

function pauseAfter(attempts: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1));
}
