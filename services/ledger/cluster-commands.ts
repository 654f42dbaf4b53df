// What can be asked of one cluster's ledger. Plain data: ids, names and instants (`now`, RFC 3339 UTC) come with the command.
// Not the rules: see cluster-decider.ts.
import type { Connection, Failure, FailedCopyFact, ReadFacts, StoredCopyFact, VerificationLevel } from '../../events/cluster-events.js';
import type { ClusterEventOf } from '../../events/cluster-events.js';

/** Left out: kept (without a policy yet: the default). Null: back to the default. */
export interface PolicyChange {
  readonly targetIds?: readonly string[] | null | undefined;
  readonly recurringEnabled?: boolean | null | undefined;
  readonly intervalHours?: number | null | undefined;
  readonly cron?: string | null | undefined;
  readonly timeZone?: string | null | undefined;
  readonly retentionCount?: number | null | undefined;
}

type Member = ClusterEventOf<'MembersObserved'>['data']['members'][number];

interface SnapshotRef { readonly snapshotId: string }
interface PartRef extends SnapshotRef { readonly part: string }
/** `attempt` is the fencing token: what another attempt than the latest reports is rejected with CONFLICT. */
interface AttemptRef extends PartRef { readonly attempt: number }
interface CopyRef extends SnapshotRef { readonly targetId: string; readonly node: string | null }

export interface RegisterCluster {
  readonly type: 'RegisterCluster';
  readonly clusterId: string;
  readonly name: string;
  readonly connection: Connection;
  readonly legacy: boolean;
  /** Null: the default policy, or none where `legacy`. */
  readonly policy: PolicyChange | null;
  /** Targets that a policy may name now; left out: not checked. */
  readonly usableTargetIds?: readonly string[] | undefined;
  readonly now: string;
}
export interface UpdateCluster {
  readonly type: 'UpdateCluster';
  readonly name?: string | undefined;
  /** The whole connection as it is to be. */
  readonly connection?: Connection | undefined;
  /** What it was made from: CONFLICT where the cluster has another by now. Left out: not compared. */
  readonly madeFrom?: Connection | undefined;
}
export interface RemoveCluster { readonly type: 'RemoveCluster' }
export interface ObserveMembers { readonly type: 'ObserveMembers'; readonly members: readonly Member[] }
export interface JoinAgent { readonly type: 'JoinAgent'; readonly node: string; readonly worker: string; readonly endpoint: string }
export interface LeaveAgent { readonly type: 'LeaveAgent'; readonly node: string; readonly worker: string }
export interface UpdatePolicy {
  readonly type: 'UpdatePolicy';
  readonly change: PolicyChange;
  readonly expectedRevision: number | null;
  readonly usableTargetIds?: readonly string[] | undefined;
  readonly now: string;
}

export interface RequestSnapshot extends SnapshotRef {
  readonly type: 'RequestSnapshot';
  /** The full, timestamped name; `givenName` is the user's part of it. */
  readonly name: string;
  readonly kind: 'RECURRING' | 'MANUAL';
  /** Set for RECURRING, null for MANUAL. */
  readonly slot: string | null;
  readonly givenName: string | null;
  readonly idempotencyKey: string | null;
  readonly now: string;
}

export interface StartAttempt extends PartRef {
  readonly type: 'StartAttempt';
  readonly worker: string;
  readonly leaseMs: number;
  /** Revision of the latest sign of life (SnapshotStarted, SnapshotProgressed) of the attempt to take over; null: the part is free. */
  readonly takeOver: number | null;
}
export interface ReportProgress extends AttemptRef {
  readonly type: 'ReportProgress';
  readonly bytes: number;
  readonly totalBytes: number | null;
}
export interface RecordPartTaken extends AttemptRef {
  readonly type: 'RecordPartTaken';
  readonly facts: ReadFacts;
  /** At least one. */
  readonly copies: readonly StoredCopyFact[];
  readonly failedCopies: readonly FailedCopyFact[];
}
export interface RecordPartFailed extends AttemptRef {
  readonly type: 'RecordPartFailed';
  readonly failure: Failure;
  /** `[n]` is the pause after failure n + 1; used up: the part has failed for good. */
  readonly retryPausesMs: readonly number[];
}
/** Ends a part that nobody claims, or whose holder is silent (AGENT_SILENT). */
export interface RecordPartSilent extends PartRef {
  readonly type: 'RecordPartSilent';
  /** Number of the last attempt that was seen, 0 for none, and its last sign of life, null while it holds no claim: any since then rejects this. */
  readonly lastAttempt: number;
  readonly lastSign: number | null;
  readonly failure: Failure;
}

export interface RecordCopyStored extends SnapshotRef { readonly type: 'RecordCopyStored'; readonly copy: StoredCopyFact }
export interface RecordCopyFailed extends CopyRef {
  readonly type: 'RecordCopyFailed';
  readonly failure: Failure;
  readonly retryAfterMs: number | null;
}
export interface RecordVerified extends CopyRef { readonly type: 'RecordVerified'; readonly level: VerificationLevel }
export interface PinSnapshot extends SnapshotRef { readonly type: 'PinSnapshot' }
export interface UnpinSnapshot extends SnapshotRef { readonly type: 'UnpinSnapshot' }
export interface DeleteSnapshot extends SnapshotRef { readonly type: 'DeleteSnapshot' }
export interface RecordPruned extends CopyRef { readonly type: 'RecordPruned' }
export interface RecordPruneFailed extends CopyRef {
  readonly type: 'RecordPruneFailed';
  readonly failure: Failure;
  readonly retryAfterMs: number;
}

export type ClusterCommand =
  | RegisterCluster | UpdateCluster | RemoveCluster | ObserveMembers | JoinAgent | LeaveAgent | UpdatePolicy
  | RequestSnapshot | StartAttempt | ReportProgress | RecordPartTaken | RecordPartFailed | RecordPartSilent
  | RecordCopyStored | RecordCopyFailed | RecordVerified | PinSnapshot | UnpinSnapshot | DeleteSnapshot
  | RecordPruned | RecordPruneFailed;
