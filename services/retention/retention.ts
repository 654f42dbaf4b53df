// Which stored copies a policy keeps, as one pure function of the ledger. Age plays no part.
// Deletes nothing: the decider turns its answer into intents, the worker carries those out.
import type { VerificationLevel } from '../../events/cluster-events.js';
import { verificationLevels } from '../../events/cluster-events.js';
import type { CopyPlace } from '../ledger/snapshot-state.js';
import { placeKey } from '../ledger/snapshot-state.js';

/** A copy that is stored now. */
export interface RetentionCopy extends CopyPlace {
  readonly snapshotId: string;
  readonly kind: 'RECURRING' | 'MANUAL';
  readonly pinned: boolean;
  readonly verification: VerificationLevel;
}

export interface RetentionDecision extends CopyPlace {
  readonly snapshotId: string;
  readonly keep: boolean;
  /** For a person; at least one. */
  readonly reasons: readonly string[];
}

export interface RetentionInput {
  /** In the ledger's order, oldest first. */
  readonly copies: readonly RetentionCopy[];
  readonly retentionCount: number;
  /** Targets that the policy prunes; others are left as they are. */
  readonly targetIds: readonly string[];
  /** Nodes whose disk nobody reaches any more; what lies there is left as it is. */
  readonly leftNodes: readonly string[];
}

export const isVerified = (level: VerificationLevel): boolean => verificationLevels.indexOf(level) >= verificationLevels.indexOf('STRUCTURE_OK');

/** One decision for each copy, in the order given: per target and node the newest `retentionCount` that count are kept. */
export function planRetention({ copies, retentionCount, ...rules }: RetentionInput): readonly RetentionDecision[] {
  const newer = new Map<string, number>();
  return copies.toReversed().map((copy) => {
    const { snapshotId, targetId, node } = copy;
    const exempt = exemptions(copy, rules);
    if (exempt.length > 0) return { snapshotId, targetId, node, keep: true, reasons: exempt };
    const rank = (newer.get(placeKey(copy)) ?? 0) + 1;
    newer.set(placeKey(copy), rank);
    const keep = rank <= retentionCount;
    const reason = keep ? `kept: ${ranked(rank)} of ${retentionCount}` : `pruned: beyond the newest ${retentionCount}`;
    return { snapshotId, targetId, node, keep, reasons: [reason] };
  }).toReversed();
}

type Rules = Pick<RetentionInput, 'targetIds' | 'leftNodes'>;

function exemptions({ kind, pinned, verification, targetId, node }: RetentionCopy, { targetIds, leftNodes }: Rules): readonly string[] {
  const rules: readonly (readonly [boolean, string])[] = [
    [kind === 'MANUAL', 'kept: manual'],
    [pinned, 'kept: pinned'],
    [!isVerified(verification), 'kept: not verified'],
    [!targetIds.includes(targetId), 'kept: no policy uses this target'],
    [node !== null && leftNodes.includes(node), 'kept: its node has left the cluster'],
  ];
  return rules.flatMap(([applies, reason]) => (applies ? [reason] : []));
}

function ranked(rank: number): string {
  if (rank === 1) return 'newest';
  const teen = rank % 100 >= 11 && rank % 100 <= 13;
  const ending = teen ? undefined : { 1: 'st', 2: 'nd', 3: 'rd' }[rank % 10];
  return `${rank}${ending ?? 'th'} newest`;
}
