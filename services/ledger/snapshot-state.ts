// What the ledger knows of one snapshot, its parts and its copies. Values only.
// Not how events lead there: see run-fold.ts and copy-fold.ts.
import type { ClusterEventOf, Failure, FailedCopyFact, ReadFacts, StoredCopyFact } from '../../events/cluster-events.js';

export type PruneReason = ClusterEventOf<'SnapshotPruneRequested'>['data']['reason'];

/** OPEN: free to be claimed, perhaps after a pause. TAKEN and FAILED are final. */
export type PartStatus = 'OPEN' | 'CLAIMED' | 'TAKEN' | 'FAILED';

export interface PartState {
  readonly part: string;
  /** That it may feed. */
  readonly targetIds: readonly string[];
  /** That its latest attempt feeds; none before it began and once it failed. */
  readonly feeds: readonly string[];
  readonly status: PartStatus;
  /** Number of the latest attempt, the fencing token; 0 before the first. */
  readonly attempt: number;
  readonly worker: string | null;
  readonly leaseMs: number | null;
  /** Revision of the latest attempt's last sign of life. */
  readonly lastSign: number | null;
  /** Attempts that ended in SnapshotPartFailed; those that were taken over are not among them. */
  readonly failures: number;
  /** Pause after the latest failure. */
  readonly retryAfterMs: number | null;
  readonly failure: Failure | null;
  readonly copies: readonly StoredCopyFact[];
  readonly failedCopies: readonly FailedCopyFact[];
}

export interface CopyState {
  readonly targetId: string;
  readonly node: string | null;
  readonly state: 'STORED' | 'FAILED' | 'PRUNING' | 'PRUNED';
  /** Null where it was never stored. Its verification is the latest. */
  readonly stored: StoredCopyFact | null;
  readonly pruneReason: PruneReason | null;
  readonly failure: Failure | null;
  readonly retryAfterMs: number | null;
  /** It failed, and its repair is not tried again. */
  readonly givenUp: boolean;
}

export interface SnapshotState {
  readonly snapshotId: string;
  readonly name: string;
  readonly kind: 'RECURRING' | 'MANUAL';
  readonly slot: string | null;
  readonly givenName: string | null;
  /** Revision of its request: the ledger's order. */
  readonly order: number;
  readonly phase: 'REQUESTED' | 'RUNNING' | 'ENDED';
  /** As it ended; null before. */
  readonly outcome: 'TAKEN' | 'PARTIAL' | 'FAILED' | null;
  readonly parts: readonly PartState[];
  /** Facts of the first part that was taken. */
  readonly facts: ReadFacts | null;
  readonly failure: Failure | null;
  /** Set when the run ends. */
  readonly copies: readonly CopyState[];
  readonly pinned: boolean;
  /** The user asked for its deletion: no further copy of it is stored. */
  readonly deleted: boolean;
}

export interface CopyPlace {
  readonly targetId: string;
  readonly node: string | null;
}

export const isSamePlace = (a: CopyPlace, b: CopyPlace): boolean => a.targetId === b.targetId && a.node === b.node;

export const findCopy = (snapshot: SnapshotState, place: CopyPlace): CopyState | undefined =>
  snapshot.copies.find((copy) => isSamePlace(copy, place));

/** Key of a place in an index. */
export const placeKey = ({ targetId, node }: CopyPlace): string => JSON.stringify([targetId, node]);
