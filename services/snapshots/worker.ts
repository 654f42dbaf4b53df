// Follows the log and does the open work: reads parts, carries out prune intents, makes up for failed copies, sweeps what crashes left.
// Decides nothing that the ledger decides: a claim, a failure and a completion are commands, and who is refused does nothing.
import type { Logger } from 'pino';
import { clusterEventSchemas, type ClusterEvent } from '../../events/cluster-events.js';
import type { EventStore, Position, StoredEvent } from '../../events/event-store.js';
import { copyFolder } from './copy-folder.js';
import { createOpenRepairs, type OpenRepair } from './open-repairs.js';
import { createOpenWork, type Leftover, type OpenPart, type OpenPrune } from './open-work.js';

/** What a run appended last; null where it appended nothing. Until the worker has seen it, its table is older than the run. */
export type RunEnd = Position | null;

export interface WorkerParts {
  readonly store: EventStore;
  /** Id of this worker; no other live process has it. */
  readonly worker: string;
  /** Node whose disk it reaches: prune intents for other nodes are left to their workers. */
  readonly nodeId: string;
  readonly parallel: number;
  readonly runPart: (part: OpenPart, takeOver: number | null, signal: AbortSignal) => Promise<RunEnd>;
  readonly runPrune: (prune: OpenPrune) => Promise<RunEnd>;
  readonly runRepair: (repair: OpenRepair, signal: AbortSignal) => Promise<RunEnd>;
  /** From the end of a snapshot to the first repair of a copy that failed. */
  readonly firstRepairMs: number;
  readonly sweep: (leftover: Leftover) => Promise<void>;
  /** Milliseconds of a clock that nobody can set. */
  readonly monotonicMs: () => number;
  readonly log: Logger;
}

export interface WorkerState {
  readonly caughtUp: boolean;
  readonly running: number;
  /** Why it stopped following; null while it follows. */
  readonly failure: Error | null;
}

export interface Worker {
  start(): void;
  /** Takes no new work, waits up to `drainMs` for what runs, then has it withdrawn. */
  stop(drainMs: number): Promise<void>;
  readonly state: () => WorkerState;
}

const sweepEveryMs = 3_600_000;
const parallelPrunes = 4;
const parallelRepairs = 2;
const refusedPauseMs = 1_000;

export function createWorker(parts: WorkerParts): Worker {
  const { store, log, monotonicMs } = parts;
  const work = createOpenWork();
  const repairs = createOpenRepairs(parts.firstRepairMs);
  const following = new AbortController();
  const withdrawing = new AbortController();
  const endingRepairs = new AbortController();
  /** What runs now, by kind. */
  const reading = new Map<string, Promise<void>>();
  const pruning = new Map<string, Promise<void>>();
  const repairing = new Map<string, Promise<void>>();
  /** Runs that ended, until the table has seen what they appended. */
  const unseen = new Map<string, Position>();
  /** Claims of this worker from before its start: their process is gone, so their lease need not be awaited. */
  let orphans = new Set<string>();
  let orphanFolders = new Set<string>();
  let leftovers: Leftover[] = [];
  let seenPosition: Position = '';
  let caughtUp = false;
  let stopping = false;
  let failure: Error | null = null;
  let dispatching = false;
  let swept: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let followed: Promise<void> = Promise.resolve();

  const partKey = (part: OpenPart): string => `${part.snapshotId}/${part.part}`;
  const pruneKey = ({ intent }: OpenPrune): string => `${intent.snapshotId}/${intent.targetId}/${intent.node ?? ''}/prune`;
  const repairKey = ({ snapshotId, targetId, node }: OpenRepair): string => `${snapshotId}/${targetId}/${node ?? ''}/repair`;
  const isBusy = (key: string): boolean => [reading, pruning, repairing, unseen].some((runs) => runs.has(key));

  /** When the part may be claimed, on the monotonic clock. */
  const claimableAt = (part: OpenPart): number => {
    if (part.claimedBy === null || orphans.has(partKey(part))) return part.notBefore;
    return Math.max(part.notBefore, part.sign.seenAt + part.leaseMs);
  };

  const run = (runs: Map<string, Promise<void>>, key: string, start: () => Promise<RunEnd>, refused: () => void): void => {
    const ended = start().then((end) => {
      if (end === null) refused();
      else if (end > seenPosition) unseen.set(key, end);
    }, (error: unknown) => {
      log.error({ err: error, work: key }, 'work ended unexpectedly; it is tried again');
      refused();
    }).finally(() => {
      runs.delete(key);
      dispatch();
    });
    runs.set(key, ended);
  };

  /** Starts what is due, within the bound; gives when the others are. */
  const runDue = <Item extends { notBefore: number }>(
    { runs, parallel, items, keyOf, start, dueAt = ({ notBefore }) => notBefore }: DueRuns<Item>, now: number,
  ): number[] => items.filter((item) => !isBusy(keyOf(item))).map((item) => {
    const due = dueAt(item);
    if (due > now || runs.size >= parallel) return due;
    run(runs, keyOf(item), () => start(item), () => {
      item.notBefore = monotonicMs() + refusedPauseMs;
    });
    return Infinity;
  });
  const startPart = (part: OpenPart): Promise<RunEnd> => {
    orphans.delete(partKey(part));
    return parts.runPart(part, part.claimedBy === null ? null : part.sign.revision, withdrawing.signal);
  };
  const isOurs = ({ intent }: OpenPrune): boolean => intent.storedOn === null || intent.storedOn === parts.nodeId;
  const runAllDue = (now: number): number[] => [
    ...runDue({ runs: reading, parallel: parts.parallel, items: work.parts(), keyOf: partKey, dueAt: claimableAt, start: startPart }, now),
    ...runDue({ runs: pruning, parallel: parallelPrunes, items: work.prunes().filter(isOurs), keyOf: pruneKey, start: parts.runPrune }, now),
    ...runDue({
      runs: repairing, parallel: parallelRepairs, items: repairs.due(), keyOf: repairKey,
      start: (repair: OpenRepair) => parts.runRepair(repair, endingRepairs.signal),
    }, now),
  ];

  const sweep = async (leftover: Leftover): Promise<void> => {
    await parts.sweep(leftover).catch((error: unknown) => {
      leftovers.push(leftover);
      log.warn({ err: error, folder: leftover.folder }, 'left-overs of an attempt could not be swept; tried again within the hour');
    });
  };
  /** One after the other, beside the work. */
  const sweepSoon = (those: readonly Leftover[]): void => {
    for (const leftover of those) swept = swept.then(() => (stopping ? undefined : sweep(leftover)));
  };
  const sweepAll = (): void => {
    const all = [...leftovers, ...work.takeLeftovers(), ...repairs.takeLeftovers()];
    leftovers = [];
    sweepSoon(all);
  };
  /** What a crash of this worker left is known once its claim is taken over; attempts of live processes withdraw by themselves. */
  const sweepOrphaned = (): void => {
    const fresh = work.takeLeftovers();
    leftovers.push(...fresh.filter(({ folder }) => !orphanFolders.has(folder)));
    sweepSoon(fresh.filter(({ folder }) => orphanFolders.has(folder)));
  };

  const dispatch = (): void => {
    clearTimeout(timer);
    if (!caughtUp || stopping) return;
    const now = monotonicMs();
    const next = runAllDue(now).reduce((earliest, due) => Math.min(earliest, due), now + sweepEveryMs);
    if (next > now) timer = setTimeout(dispatch, next - now).unref();
  };
  /** Once for all events that are at hand. */
  const dispatchSoon = (): void => {
    if (dispatching) return;
    dispatching = true;
    setImmediate(() => {
      dispatching = false;
      dispatch();
    });
  };

  const see = (event: StoredEvent): void => {
    if (isClusterEvent(event.event)) {
      const [clusterId, seen] = [event.stream.slice('cluster-'.length), { revision: event.revision, now: monotonicMs() }];
      work.apply(clusterId, event.event, seen);
      repairs.apply(clusterId, event.event, seen);
    }
    seenPosition = event.position;
    for (const [key, position] of unseen) if (position <= seenPosition) unseen.delete(key);
  };
  const follow = async (): Promise<void> => {
    for await (const item of store.follow({ signal: following.signal })) {
      if (item.kind === 'event') see(item.event);
      else if (!caughtUp) {
        caughtUp = true;
        const orphaned = work.parts().filter(({ claimedBy }) => claimedBy === parts.worker);
        orphans = new Set(orphaned.map(partKey));
        orphanFolders = new Set(orphaned.map((part) => copyFolder(part, part.attempt)));
        sweepAll();
      }
      if (caughtUp) sweepOrphaned();
      dispatchSoon();
    }
  };
  const sweeping = setInterval(sweepAll, sweepEveryMs).unref();

  return {
    start() {
      followed = follow().catch((error: unknown) => {
        failure = error instanceof Error ? error : new Error(String(error));
        log.fatal({ err: error }, 'the worker stopped: it cannot read the log');
      });
    },
    async stop(drainMs) {
      stopping = true;
      clearTimeout(timer);
      clearInterval(sweeping);
      const bound = setTimeout(() => withdrawing.abort(), drainMs);
      // Nobody waits for a repair; the next start goes on with it.
      endingRepairs.abort();
      await Promise.all([...reading.values(), ...pruning.values(), ...repairing.values()]);
      clearTimeout(bound);
      following.abort();
      await Promise.all([followed, swept]);
    },
    state: () => ({ caughtUp, running: reading.size, failure }),
  };
}

/** Runs of one kind: those under way, how many there may be, and what is open. */
interface DueRuns<Item> {
  readonly runs: Map<string, Promise<void>>;
  readonly parallel: number;
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  /** On the monotonic clock; `notBefore` by default. */
  readonly dueAt?: (item: Item) => number;
  readonly start: (item: Item) => Promise<RunEnd>;
}

function isClusterEvent(event: StoredEvent['event']): event is ClusterEvent {
  return event.type in clusterEventSchemas;
}
