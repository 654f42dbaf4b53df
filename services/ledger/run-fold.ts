// How events of a run, from its request to its end, change a cluster's state: requests, slots, parts and attempts.
// Not what becomes of its copies later: see copy-fold.ts.
import type { FailedCopyFact, StoredCopyFact } from '../../events/cluster-events.js';
import { fedTargetIds } from '../../events/snapshot-part.js';
import type { ClusterState } from './cluster-state.js';
import { withStored } from './copy-fold.js';
import type { Folds } from './event-fold.js';
import type { CopyState, PartState, SnapshotState } from './snapshot-state.js';

export const runFolds: Folds<
  | 'SnapshotRequested' | 'SnapshotSkipped' | 'SnapshotStarted' | 'SnapshotProgressed'
  | 'SnapshotPartTaken' | 'SnapshotPartFailed' | 'SnapshotTaken' | 'SnapshotFailed'
> = {
  SnapshotRequested: (state, { snapshotId, name, kind, slot, givenName, idempotencyKey, parts }, order) => ({
    ...state,
    snapshots: state.snapshots.set(snapshotId, {
      snapshotId, name, kind, slot, givenName, order, phase: 'REQUESTED', outcome: null, parts: parts.map(freshPart),
      facts: null, failure: null, copies: [], pinned: false, deleted: false,
    }),
    open: state.open.add(snapshotId),
    openRecurring: kind === 'RECURRING' ? snapshotId : state.openRecurring,
    slots: slot === null ? state.slots : state.slots.add(slot),
    requestsByKey: idempotencyKey === null ? state.requestsByKey : state.requestsByKey.set(idempotencyKey, snapshotId),
  }),
  SnapshotSkipped: (state, { slot }) => ({ ...state, slots: state.slots.add(slot) }),
  SnapshotStarted: (state, { snapshotId, part, attempt, worker, leaseMs }, revision) => ({
    ...changedPart(state, { snapshotId, part }, (known, others) => (
      { status: 'CLAIMED', attempt, worker, leaseMs, lastSign: revision, feeds: fedTargetIds(known, others.flatMap(({ feeds }) => feeds)) })),
    running: snapshotId,
  }),
  SnapshotProgressed: (state, { snapshotId, part }, revision) => changedPart(state, { snapshotId, part }, () => ({ lastSign: revision })),
  SnapshotPartTaken: (state, { snapshotId, part, facts, copies, failedCopies }) =>
    changedPart(state, { snapshotId, part }, () => ({ status: 'TAKEN', copies, failedCopies }), { facts }),
  SnapshotPartFailed: (state, { snapshotId, part, attempt, failure, retryAfterMs }) =>
    changedPart(state, { snapshotId, part }, ({ failures }) => ({
      status: retryAfterMs === null ? 'FAILED' : 'OPEN', attempt, worker: null, feeds: [], failures: failures + 1, failure, retryAfterMs,
    })),
  SnapshotTaken: (state, { snapshotId, outcome, facts, copies, failedCopies }) => {
    const ended = endedRun(state, snapshotId, { outcome, facts, copies: [...copies.map(storedCopy), ...failedCopies.map(failedCopy)] });
    return copies.reduce((before, copy) => withStored(before, snapshotId, copy), ended);
  },
  SnapshotFailed: (state, { snapshotId, failure }) => endedRun(state, snapshotId, { outcome: 'FAILED', failure }),
};

const freshPart = ({ part, targetIds }: Pick<PartState, 'part' | 'targetIds'>): PartState => ({
  part, targetIds, feeds: [], status: 'OPEN', attempt: 0, worker: null, leaseMs: null, lastSign: null,
  failures: 0, retryAfterMs: null, failure: null, copies: [], failedCopies: [],
});

const storedCopy = (stored: StoredCopyFact): CopyState => ({
  targetId: stored.targetId, node: stored.node, state: 'STORED', stored, pruneReason: null, failure: null, retryAfterMs: null, givenUp: false,
});

const failedCopy = ({ targetId, node, failure }: FailedCopyFact): CopyState => ({
  targetId, node, state: 'FAILED', stored: null, pruneReason: null, failure, retryAfterMs: null, givenUp: false,
});

/** Every event of a part is one of a run; the first facts read are the snapshot's. */
function changedPart(
  state: ClusterState, at: { snapshotId: string; part: string },
  change: (part: PartState, others: readonly PartState[]) => Partial<PartState>, { facts }: Pick<SnapshotState, 'facts'> = { facts: null },
): ClusterState {
  const snapshots = state.snapshots.update(at.snapshotId, (snapshot) => snapshot && {
    ...snapshot,
    phase: 'RUNNING',
    facts: snapshot.facts ?? facts,
    parts: snapshot.parts.map((part, _, all) => (part.part === at.part ? { ...part, ...change(part, all.filter((other) => other !== part)) } : part)),
  });
  return { ...state, snapshots };
}

function endedRun(state: ClusterState, snapshotId: string, end: Partial<SnapshotState>): ClusterState {
  return {
    ...state,
    snapshots: state.snapshots.update(snapshotId, (snapshot) => snapshot && { ...snapshot, ...end, phase: 'ENDED' }),
    open: state.open.delete(snapshotId),
    openRecurring: state.openRecurring === snapshotId ? null : state.openRecurring,
    running: state.running === snapshotId ? null : state.running,
  };
}
