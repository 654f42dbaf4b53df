// One claim of a part while its attempt lasts: claimed, renewed by progress, lost when the ledger refuses a report.
// Reads no wall clock: a contender measures the lease on its own.
import type { Logger } from 'pino';
import type { ClusterEventOf, Failure, FailedCopyFact, ReadFacts, StoredCopyFact } from '../../events/cluster-events.js';
import type { EventContext, Position } from '../../events/event-store.js';
import type { ClusterCommand } from '../ledger/cluster-commands.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import type { OpenPart } from './open-work.js';
import { StepFailure } from './step-failure.js';

export interface LeaseSettings {
  readonly commands: CommandHandler;
  readonly worker: string;
  readonly leaseMs: number;
  readonly retryPausesMs: readonly number[];
  readonly log: Logger;
}

export interface Lease {
  readonly attempt: number;
  /** That this attempt stores on: decided by its claim. */
  readonly targetIds: readonly string[];
  /** Aborts when the claim is lost. */
  readonly lost: AbortSignal;
  /** How far the read is, told with the next renewal. */
  note(bytes: number, totalBytes: number | null): void;
  /** Renews now; happens by itself every third of the lease. */
  renew(): Promise<void>;
  /** Position of the record; null when another attempt has taken over: then what was committed must be withdrawn. */
  recordTaken(outcome: { facts: ReadFacts; copies: readonly StoredCopyFact[]; failedCopies: readonly FailedCopyFact[] }): Promise<Position | null>;
  recordFailed(failure: Failure): Promise<Position | null>;
  /** Renews no more. */
  release(): void;
}

/** Null when the claim is refused: another worker has it, or the part is no longer open. */
export async function claimPart(part: OpenPart, takeOver: number | null, settings: LeaseSettings): Promise<Lease | null> {
  const { commands, worker, leaseMs, retryPausesMs, log } = settings;
  const { clusterId, snapshotId } = part;
  const context: EventContext = { actor: `worker:${worker}`, correlationId: snapshotId, causationId: `${snapshotId}/${part.part}` };
  const execute = (command: ClusterCommand) => commands.executeCluster(clusterId, command, context);

  const claim = await execute({ type: 'StartAttempt', snapshotId, part: part.part, worker, leaseMs, takeOver });
  const started = claim.outcome === 'accepted' ? claim.events.find(isStarted) : undefined;
  if (!started) return null;

  const { attempt } = started.data;
  const targetIds = claim.state.snapshots.get(snapshotId)?.parts.find((known) => known.part === part.part)?.feeds ?? [];
  const of = { snapshotId, part: part.part, attempt };
  const loss = new AbortController();
  let latest = { bytes: 0, totalBytes: null as number | null };
  const renew = async (): Promise<void> => {
    const reported = await execute({ type: 'ReportProgress', ...of, ...latest });
    if (reported.outcome === 'accepted') return;
    loss.abort(new StepFailure('CLAIM', 'SUPERSEDED', `attempt ${attempt} is over: ${reported.rejection.rejected.message}`));
  };
  // A renewal that the store did not take is made up for by the next; without any the lease runs out, and the fence holds.
  const renewal = setInterval(() => void renew().catch((error: unknown) => log.warn({ err: error }, 'a lease was not renewed')), leaseMs / 3);
  const record = async (command: ClusterCommand): Promise<Position | null> => {
    const recorded = await execute(command);
    return recorded.outcome === 'accepted' ? recorded.position : null;
  };

  return {
    attempt,
    targetIds,
    lost: loss.signal,
    note(bytes, totalBytes) {
      latest = { bytes, totalBytes };
    },
    renew,
    recordTaken: (outcome) => record({ type: 'RecordPartTaken', ...of, ...outcome }),
    recordFailed: (failure) => record({ type: 'RecordPartFailed', ...of, failure, retryPausesMs }),
    release: () => clearInterval(renewal),
  };
}

function isStarted(event: { readonly type: string }): event is ClusterEventOf<'SnapshotStarted'> {
  return event.type === 'SnapshotStarted';
}
