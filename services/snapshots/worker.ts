// Follows the log and does the open work: reads parts, carries out prune intents, makes up for failed copies, sweeps what crashes left.
// Decides nothing that the ledger decides: a claim, a failure and a completion are commands, and who is refused does nothing.
import type { Logger } from 'pino';
import { clusterEventSchemas, type ClusterEvent } from '../../events/cluster-events.js';
import type { EventStore, StoredEvent } from '../../events/event-store.js';
import type { AgentMembership } from './agent-membership.js';
import { copyFolder } from './copy-folder.js';
import { type RunEnd, createRuns } from './due-runs.js';
import { createOpenRepairs, type OpenRepair } from './open-repairs.js';
import { createOpenWork, type Leftover, type OpenPart, type OpenPrune } from './open-work.js';
import { type WorkerPlace, canPrune, isNodePart, isOwnPart, repairWaitMs } from './work-reach.js';

/** `worker` is an id that no other live process has. */
export interface WorkerParts extends WorkerPlace {
  readonly store: EventStore;
  /** An agent's own part is read beside so many others, since nobody else can. */
  readonly parallel: number;
  /** Of an agent. */
  readonly membership: AgentMembership | null;
  readonly runPart: (part: OpenPart, takeOver: number | null, signal: AbortSignal) => Promise<RunEnd>;
  readonly runPrune: (prune: OpenPrune) => Promise<RunEnd>;
  /** Tells that nobody claims the part of a node, or that its claim lapsed, for so long. */
  readonly endSilentPart: (part: OpenPart, silentForMs: number) => Promise<RunEnd>;
  readonly agentSilenceMs: number;
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
type Kind = 'part' | 'own part' | 'silence' | 'prune' | 'repair';

export function createWorker(parts: WorkerParts): Worker {
  const { store, log, monotonicMs } = parts;
  const work = createOpenWork();
  const repairs = createOpenRepairs(parts.firstRepairMs, parts.nodeId);
  const following = new AbortController();
  const withdrawing = new AbortController();
  const endingRepairs = new AbortController();
  const runs = createRuns<Kind>({ monotonicMs, log, onEnd: () => dispatch() });
  /** Claims of this worker from before its start: their process is gone, so their lease need not be awaited. */
  let orphans = new Set<string>();
  let orphanFolders = new Set<string>();
  let leftovers: Leftover[] = [];
  let caughtUp = false;
  let stopping = false;
  let failure: Error | null = null;
  let dispatching = false;
  let swept: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let followed: Promise<void> = Promise.resolve();

  const partKey = (part: OpenPart): string => `${part.snapshotId}/${part.part}`;
  const pruneKey = ({ intent }: OpenPrune): string => `${intent.snapshotId}/${intent.targetId}/${intent.node ?? ''}`;
  const repairKey = ({ snapshotId, targetId, node }: OpenRepair): string => `${snapshotId}/${targetId}/${node ?? ''}`;
  /** When the part may be claimed, on the monotonic clock. */
  const claimableAt = (part: OpenPart): number => {
    if (part.claimedBy === null || orphans.has(partKey(part))) return part.notBefore;
    return Math.max(part.notBefore, part.sign.seenAt + part.leaseMs);
  };
  const silentSince = (part: OpenPart): number => Math.max(part.openSince, claimableAt(part));
  /**
   * Apart from `notBefore`, which the silence is measured from: that it could not be recorded is no sign of life. Not tried again at once: where
   * the log was away, an agent that lives claims its part first.
   */
  const silenceNotBefore = new WeakMap<OpenPart, number>();

  const startPart = (part: OpenPart): Promise<RunEnd> => {
    orphans.delete(partKey(part));
    return parts.runPart(part, part.claimedBy === null ? null : part.sign.revision, withdrawing.signal);
  };
  const runReads = (now: number): number[] => {
    const all = work.parts();
    const ofNodes = all.filter(isNodePart);
    const claims = { keyOf: partKey, dueAt: claimableAt, start: startPart };
    const silentAt = (part: OpenPart): number => Math.max(silentSince(part) + parts.agentSilenceMs, silenceNotBefore.get(part) ?? 0);
    const endSilent = (part: OpenPart): Promise<RunEnd> => parts.endSilentPart(part, monotonicMs() - silentSince(part));
    const putOff = (part: OpenPart, until: number): unknown => silenceNotBefore.set(part, until + parts.agentSilenceMs / 10);
    const silences = { keyOf: partKey, dueAt: silentAt, start: endSilent, putOff };
    return [
      ...runs.runDue({ ...claims, kind: 'own part', parallel: Infinity, items: ofNodes.filter((part) => isOwnPart(parts, part)) }, now),
      ...runs.runDue({ ...claims, kind: 'part', parallel: parts.parallel, items: all.filter((part) => !isNodePart(part)) }, now),
      ...runs.runDue({ ...silences, kind: 'silence', parallel: Infinity, items: ofNodes }, now),
    ];
  };
  const runAllDue = (now: number): number[] => {
    const prunes = work.prunes().filter((prune) => canPrune(parts, prune));
    const repairAt = (repair: OpenRepair): number => repair.notBefore + (repairWaitMs(parts, repair) ?? Infinity);
    const repair = (open: OpenRepair): Promise<RunEnd> => parts.runRepair(open, endingRepairs.signal);
    return [
      ...runReads(now),
      ...runs.runDue({ kind: 'prune', parallel: parallelPrunes, items: prunes, keyOf: pruneKey, start: parts.runPrune }, now),
      ...runs.runDue({ kind: 'repair', parallel: parallelRepairs, items: repairs.due(), keyOf: repairKey, dueAt: repairAt, start: repair }, now),
    ];
  };

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
      parts.membership?.see(clusterId, event.event);
    }
    runs.seen(event.position);
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
        parts.membership?.begin();
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
      await Promise.all([parts.membership?.end(), runs.ended()]);
      clearTimeout(bound);
      following.abort();
      await Promise.all([followed, swept]);
    },
    state: () => ({ caughtUp, running: runs.running('part') + runs.running('own part'), failure }),
  };
}

function isClusterEvent(event: StoredEvent['event']): event is ClusterEvent {
  return event.type in clusterEventSchemas;
}
