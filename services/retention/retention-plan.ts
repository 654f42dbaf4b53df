// Retention applied to a cluster's ledger: which of its copies are weighed, and a dry run of the whole.
// Not the rule itself: see retention.ts.
import { type ClusterState, hasLeft } from '../ledger/cluster-state.js';
import type { SnapshotState } from '../ledger/snapshot-state.js';
import type { RetentionCopy, RetentionDecision } from './retention.js';
import { planRetention } from './retention.js';

/** Shown for a cluster without a policy, on which nothing is pruned. */
const DEFAULT_COUNT = 6;

/** What would be kept on the targets if retention were evaluated now; nothing is deleted. By default with the policy's own count. */
export function retentionPlan(state: ClusterState, retentionCount?: number): readonly RetentionDecision[] {
  const snapshots = state.snapshots.valueSeq().sortBy(({ order }) => order).toArray();
  const copies = snapshots.flatMap((snapshot) => storedCopies(snapshot));
  return planRetention({
    copies,
    retentionCount: retentionCount ?? state.policy?.retentionCount ?? DEFAULT_COUNT,
    targetIds: prunedTargetIds(state),
    leftNodes: leftNodes(state, copies),
  });
}

/** Those of the copies' nodes that left. */
export const leftNodes = (state: ClusterState, copies: readonly RetentionCopy[]): readonly string[] =>
  [...new Set(copies.flatMap(({ node }) => node ?? []))].filter((node) => hasLeft(state, node));

/** Targets on which the cluster's policy prunes: none without a policy, nor once the cluster is removed. */
export const prunedTargetIds = ({ policy, removed }: ClusterState): readonly string[] => (removed ? [] : policy?.targetIds ?? []);

export const storedCopies = ({ snapshotId, kind, pinned, copies }: SnapshotState): readonly RetentionCopy[] =>
  copies.flatMap(({ targetId, node, state, stored }) =>
    (state === 'STORED' && stored ? [{ snapshotId, targetId, node, kind, pinned, verification: stored.verification }] : []));
