// How events of stored copies change a cluster's state: repairs, verification, pins and prunes, with the index of what retention weighs.
// Not how a copy comes about in a run: see run-fold.ts.
import { Set } from 'immutable';
import type { ClusterState } from './cluster-state.js';
import type { Folds } from './event-fold.js';
import type { CopyPlace, CopyState, SnapshotState } from './snapshot-state.js';
import { isSamePlace, placeKey } from './snapshot-state.js';

export const copyFolds: Folds<
  | 'SnapshotCopyStored' | 'SnapshotCopyFailed' | 'SnapshotVerified' | 'SnapshotPinned' | 'SnapshotUnpinned'
  | 'SnapshotPruneRequested' | 'SnapshotPruned' | 'SnapshotPruneFailed'
> = {
  SnapshotCopyStored: (state, { snapshotId, copy }) =>
    withStored(changedCopy(state, snapshotId, copy, () => ({ state: 'STORED', stored: copy, failure: null, retryAfterMs: null })), snapshotId, copy),
  SnapshotCopyFailed: (state, { snapshotId, targetId, node, failure, retryAfterMs }) =>
    changedCopy(state, snapshotId, { targetId, node }, () => ({ failure, retryAfterMs, givenUp: retryAfterMs === null })),
  SnapshotVerified: (state, { snapshotId, targetId, node, level }) =>
    changedCopy(state, snapshotId, { targetId, node }, ({ stored }) => ({ stored: stored && { ...stored, verification: level } })),
  SnapshotPinned: (state, { snapshotId }) => changedSnapshot(state, snapshotId, () => ({ pinned: true })),
  SnapshotUnpinned: (state, { snapshotId }) => changedSnapshot(state, snapshotId, () => ({ pinned: false })),
  SnapshotPruneRequested: (state, { snapshotId, targetId, node, reason }) => {
    const pruning = changedCopy(state, snapshotId, { targetId, node }, () => ({ state: 'PRUNING', pruneReason: reason }));
    return withoutStored(changedSnapshot(pruning, snapshotId, ({ deleted }) => ({ deleted: deleted || reason === 'DELETED' })), snapshotId, {
      targetId, node,
    });
  },
  SnapshotPruned: (state, { snapshotId, targetId, node, reason }) => {
    const pruned = changedCopy(state, snapshotId, { targetId, node }, () => ({ state: 'PRUNED', failure: null, retryAfterMs: null }));
    return changedSnapshot(pruned, snapshotId, ({ deleted }) => ({ deleted: deleted || reason === 'ABANDONED' }));
  },
  SnapshotPruneFailed: (state, { snapshotId, targetId, node, failure, retryAfterMs }) =>
    changedCopy(state, snapshotId, { targetId, node }, () => ({ failure, retryAfterMs })),
};

/** Only recurring snapshots are weighed by retention, so only they are indexed. */
export function withStored(state: ClusterState, snapshotId: string, place: CopyPlace): ClusterState {
  if (state.snapshots.get(snapshotId)?.kind !== 'RECURRING') return state;
  return { ...state, storedRecurring: state.storedRecurring.update(placeKey(place), Set<string>(), (ids) => ids.add(snapshotId)) };
}

function withoutStored(state: ClusterState, snapshotId: string, place: CopyPlace): ClusterState {
  return { ...state, storedRecurring: state.storedRecurring.update(placeKey(place), Set<string>(), (ids) => ids.delete(snapshotId)) };
}

function changedSnapshot(
  state: ClusterState, snapshotId: string, change: (snapshot: SnapshotState) => Partial<SnapshotState>,
): ClusterState {
  return { ...state, snapshots: state.snapshots.update(snapshotId, (snapshot) => snapshot && { ...snapshot, ...change(snapshot) }) };
}

function changedCopy(
  state: ClusterState, snapshotId: string, place: CopyPlace, change: (copy: CopyState) => Partial<CopyState>,
): ClusterState {
  return changedSnapshot(state, snapshotId, ({ copies }) => ({
    copies: copies.map((copy) => (isSamePlace(copy, place) ? { ...copy, ...change(copy) } : copy)),
  }));
}
