// Decides on a part's attempts: claims and take-overs, signs of life, and how they end. The attempt number fences: what an attempt
// reports after a newer one began, or after the run ended, is a CONFLICT, on which a worker withdraws its copies.
import type { ClusterEventOf } from '../../events/cluster-events.js';
import { evolveAll } from './cluster-fold.js';
import type { ClusterState } from './cluster-state.js';
import type { CommandOf, Decision, Deciders } from './decision.js';
import { onSnapshot, removedFault } from './decision.js';
import type { Rejection } from './rejection.js';
import { reject } from './rejection.js';
import { retentionIntents } from './retention-intents.js';
import { endOfRun, hasEnded } from './run-end.js';
import type { PartState } from './snapshot-state.js';

export const attemptDeciders: Deciders<'StartAttempt' | 'ReportProgress' | 'RecordPartTaken' | 'RecordPartFailed' | 'RecordPartSilent'> = {
  StartAttempt: (state, { snapshotId, part, worker, leaseMs, takeOver }) => {
    const fault = removedFault(state) ?? busyFault(state, snapshotId);
    return fault ?? onPart(state, { snapshotId, part }, (known) => {
      const fence = claimFault(known, takeOver);
      return fence ?? [{ type: 'SnapshotStarted', data: { snapshotId, part, attempt: known.attempt + 1, worker, leaseMs } }];
    });
  },
  ReportProgress: (state, { snapshotId, part, attempt, bytes, totalBytes }) =>
    onPart(state, { snapshotId, part }, (known) => {
      const superseded = fenceFault(known, attempt);
      return superseded ?? [{ type: 'SnapshotProgressed', data: { snapshotId, part, attempt, bytes, totalBytes } }];
    }),
  RecordPartTaken: (state, command) => {
    const known = partOf(state, command);
    if (known?.status === 'TAKEN' && known.attempt === command.attempt) return [];
    return onPart(state, command, (open) => fenceFault(open, command.attempt) ?? copiesFault(open, command) ?? withEnd(state, takenPart(command)));
  },
  RecordPartFailed: (state, command) => {
    const known = partOf(state, command);
    if (known && known.attempt === command.attempt && (known.status === 'OPEN' || known.status === 'FAILED')) return [];
    return onPart(state, command, (open) => fenceFault(open, command.attempt) ?? withEnd(state, failedPart(open, command)));
  },
  RecordPartSilent: (state, { snapshotId, part, lastAttempt, lastSign, failure }) =>
    onPart(state, { snapshotId, part }, (known) => {
      const { attempt } = known;
      const silent = !hasEnded(known) && attempt === lastAttempt && (known.status === 'CLAIMED' ? known.lastSign : null) === lastSign;
      if (!silent) return reject('CONFLICT', `part ${part} of ${snapshotId} was heard of meanwhile (${known.status}); let it go on`);
      const data = { snapshotId, part, attempt: attempt + 1, failure, retryAfterMs: null };
      return withEnd(state, { type: 'SnapshotPartFailed', data });
    }),
};

type EndOfPart = ClusterEventOf<'SnapshotPartTaken'> | ClusterEventOf<'SnapshotPartFailed'>;
interface PartRef { readonly snapshotId: string; readonly part: string }

const partOf = (state: ClusterState, { snapshotId, part }: PartRef): PartState | undefined =>
  state.snapshots.get(snapshotId)?.parts.find((known) => known.part === part);

/** Decides on a part whose snapshot has not ended. */
function onPart(state: ClusterState, ref: PartRef, decideOn: (part: PartState) => Decision): Decision {
  return onSnapshot(state, ref.snapshotId, (snapshot) => {
    const part = partOf(state, ref);
    if (!part) return reject('NOT_FOUND', `snapshot ${ref.snapshotId} has no part ${ref.part}`);
    if (snapshot.phase === 'ENDED') return reject('CONFLICT', `snapshot ${ref.snapshotId} has ended (${snapshot.outcome}); withdraw`);
    return decideOn(part);
  });
}

function busyFault({ running }: ClusterState, snapshotId: string): Rejection | null {
  if (running === null || running === snapshotId) return null;
  return reject('IN_PROGRESS', `snapshot ${running} of this cluster runs; ${snapshotId} waits until it has ended`);
}

function claimFault(part: PartState, takeOver: number | null): Rejection | null {
  if (hasEnded(part)) return reject('CONFLICT', `part ${part.part} has ended (${part.status}); nothing is left to claim`);
  const claimed = part.status === 'CLAIMED';
  if (claimed ? takeOver === part.lastSign : takeOver === null) return null;
  if (!claimed) return reject('CONFLICT', `attempt ${part.attempt} of part ${part.part} has ended and cannot be taken over; claim the free part`);
  const holder = `worker ${part.worker}, last heard of at revision ${part.lastSign}`;
  return reject('CONFLICT', `part ${part.part} is claimed by ${holder}; wait for its lease to lapse`);
}

function fenceFault({ part, attempt, status }: PartState, reported: number): Rejection | null {
  if (attempt === reported && status === 'CLAIMED') return null;
  return reject('CONFLICT', `attempt ${reported} of part ${part} is over: the ledger is at attempt ${attempt} (${status}); withdraw its copies`);
}

/** Every target that the attempt feeds has its outcome, and one is stored. */
function copiesFault({ part, feeds }: PartState, { copies, failedCopies }: CommandOf<'RecordPartTaken'>): Rejection | null {
  if (copies.length === 0) return reject('INVALID_INPUT', `part ${part} stored no copy; record it as failed instead`);
  const told = [...copies, ...failedCopies].map(({ targetId }) => targetId).sort();
  const planned = [...feeds].sort();
  if (told.length === planned.length && told.every((id, at) => id === planned[at])) return null;
  return reject('INVALID_INPUT', `part ${part} feeds ${planned.join(', ')}, but outcomes came for ${told.join(', ')}; report each target once`);
}

function takenPart({ snapshotId, part, attempt, facts, copies, failedCopies }: CommandOf<'RecordPartTaken'>): EndOfPart {
  return { type: 'SnapshotPartTaken', data: { snapshotId, part, attempt, facts, copies, failedCopies } };
}

function failedPart({ failures }: PartState, { snapshotId, part, attempt, failure, retryPausesMs }: CommandOf<'RecordPartFailed'>): EndOfPart {
  return { type: 'SnapshotPartFailed', data: { snapshotId, part, attempt, failure, retryAfterMs: retryPausesMs[failures] ?? null } };
}

/** What ends the last part ends the snapshot in the same append, and what ends a recurring one lets retention speak. */
function withEnd(state: ClusterState, event: EndOfPart): Decision {
  const { snapshotId } = event.data;
  const snapshot = evolveAll(state, [event]).snapshots.get(snapshotId);
  if (!snapshot?.parts.every(hasEnded)) return [event];
  const ending = [event, endOfRun(snapshot, null)];
  const ended = evolveAll(state, ending);
  return [...ending, ...retentionIntents(ended, snapshotId, ended.snapshots.get(snapshotId)?.copies ?? [])];
}
