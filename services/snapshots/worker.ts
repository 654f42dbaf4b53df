// Follows the log and does the open work: reads parts, carries out prune intents, sweeps what crashed attempts left.
// Decides nothing that the ledger decides: a claim, a failure and a completion are commands, and who is refused does nothing.
import type { Logger } from 'pino';
import { clusterEventSchemas, type ClusterEvent } from '../../events/cluster-events.js';
import type { EventStore, Position, StoredEvent } from '../../events/event-store.js';
import { copyFolder } from './copy-folder.js';
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
  state(): WorkerState;
}

const sweepEveryMs = 3_600_000;
const parallelPrunes = 4;
const refusedPauseMs = 1_000;

export function createWorker(parts: WorkerParts): Worker {
  const { store, log, monotonicMs } = parts;
  const work = createOpenWork();
  const following = new AbortController();
  const withdrawing = new AbortController();
  /** What runs now, by kind. */
  const reading = new Map<string, Promise<void>>();
  const pruning = new Map<string, Promise<void>>();
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
  const isBusy = (key: string): boolean => reading.has(key) || pruning.has(key) || unseen.has(key);

  /** When the part may be claimed, on the monotonic clock. */
  const dueAt = (part: OpenPart): number => {
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

  const runDueParts = (now: number): number[] => work.parts().filter((part) => !isBusy(partKey(part))).map((part) => {
    const due = dueAt(part);
    if (due > now || reading.size >= parts.parallel) return due;
    const key = partKey(part);
    const takeOver = part.claimedBy === null ? null : part.sign.revision;
    orphans.delete(key);
    run(reading, key, () => parts.runPart(part, takeOver, withdrawing.signal), () => {
      part.notBefore = monotonicMs() + refusedPauseMs;
    });
    return Infinity;
  });
  const isOurs = ({ intent }: OpenPrune): boolean => intent.storedOn === null || intent.storedOn === parts.nodeId;
  const runDuePrunes = (now: number): number[] => work.prunes().filter((prune) => isOurs(prune) && !isBusy(pruneKey(prune))).map((prune) => {
    if (prune.notBefore > now || pruning.size >= parallelPrunes) return prune.notBefore;
    run(pruning, pruneKey(prune), () => parts.runPrune(prune), () => {
      prune.notBefore = monotonicMs() + refusedPauseMs;
    });
    return Infinity;
  });

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
    const all = [...leftovers, ...work.takeLeftovers()];
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
    const next = [...runDueParts(now), ...runDuePrunes(now)].reduce((earliest, due) => Math.min(earliest, due), now + sweepEveryMs);
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
      work.apply(event.stream.slice('cluster-'.length), event.event, { revision: event.revision, now: monotonicMs() });
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
      await Promise.all([...reading.values(), ...pruning.values()]);
      clearTimeout(bound);
      following.abort();
      await Promise.all([followed, swept]);
    },
    state: () => ({ caughtUp, running: reading.size, failure }),
  };
}

function isClusterEvent(event: StoredEvent['event']): event is ClusterEvent {
  return event.type in clusterEventSchemas;
}
