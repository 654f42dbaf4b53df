// The prune intents that retention gives once a recurring copy is stored and verified, for the places where it was stored.
// Not the rule itself: see services/retention/retention.ts.
import type { ClusterEvent, ClusterEventOf } from '../../events/cluster-events.js';
import { leftNodes, prunedTargetIds, storedCopies } from '../retention/retention-plan.js';
import { isVerified, planRetention } from '../retention/retention.js';
import type { ClusterState } from './cluster-state.js';
import type { CopyPlace, CopyState, PruneReason, SnapshotState } from './snapshot-state.js';
import { findCopy, isSamePlace, placeKey } from './snapshot-state.js';

/** An append has a size limit; what is left of a count lowered by thousands follows with the next snapshot. */
const MOST_INTENTS = 500;

/** `state` already has the stored copies. `places`: where copies of this snapshot were just stored or verified. */
export function retentionIntents(state: ClusterState, snapshotId: string, places: readonly CopyPlace[]): readonly ClusterEvent[] {
  const snapshot = state.snapshots.get(snapshotId);
  if (snapshot?.kind !== 'RECURRING') return [];
  const verified = storedCopies(snapshot).filter((copy) => isVerified(copy.verification) && places.some((place) => isSamePlace(place, copy)));
  return verified.flatMap((place) => intentsAt(state, place)).slice(0, MOST_INTENTS);
}

export const pruneIntent = (snapshotId: string, copy: CopyState, reason: PruneReason): ClusterEventOf<'SnapshotPruneRequested'> => ({
  type: 'SnapshotPruneRequested',
  data: { snapshotId, targetId: copy.targetId, node: copy.node, storedOn: copy.stored?.storedOn ?? null, keys: copy.stored?.keys ?? [], reason },
});

function intentsAt(state: ClusterState, place: CopyPlace): readonly ClusterEvent[] {
  const targetIds = prunedTargetIds(state);
  const retentionCount = state.policy?.retentionCount;
  if (retentionCount === undefined || !targetIds.includes(place.targetId)) return [];
  const copies = storedAt(state, place).flatMap((snapshot) => storedCopies(snapshot).filter((copy) => isSamePlace(copy, place)));
  const plan = planRetention({ copies, retentionCount, targetIds, leftNodes: leftNodes(state, copies) });
  return plan.filter(({ keep }) => !keep).flatMap(({ snapshotId }) => {
    const snapshot = state.snapshots.get(snapshotId);
    const copy = snapshot && findCopy(snapshot, place);
    return copy ? [pruneIntent(snapshotId, copy, 'RETENTION')] : [];
  });
}

function storedAt(state: ClusterState, place: CopyPlace): readonly SnapshotState[] {
  const ids = state.storedRecurring.get(placeKey(place))?.toArray() ?? [];
  return ids.flatMap((id) => state.snapshots.get(id) ?? []).sort((a, b) => a.order - b.order);
}
