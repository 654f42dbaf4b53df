// What can be asked: the rows that the projections write and the queries answer with. Plain JSON, instants as in the events.
// Not how rows come about (projection-*.ts) nor where they are kept (read-store.ts).
import type { Failure, Recurring, VerificationLevel } from '../events/cluster-events.js';
import type { Position } from '../events/event-store.js';
import type { Encoding, EncodingStep, S3Settings } from '../events/target-events.js';

export const snapshotStates = ['REQUESTED', 'RUNNING', 'TAKEN', 'PARTIAL', 'FAILED', 'PRUNED'] as const;
export type SnapshotState = (typeof snapshotStates)[number];
export const snapshotKinds = ['RECURRING', 'MANUAL'] as const;
export type SnapshotKind = (typeof snapshotKinds)[number];
export type CopyState = 'PENDING' | 'STORED' | 'FAILED' | 'PRUNING' | 'PRUNED';

export type FailureRow = Failure & { readonly at: string };

/** A row of a stream's events. */
export interface ShownRow {
  /** Of the last event that the row shows: events at or before it change nothing any more. */
  readonly position: Position;
}

export interface MemberRow {
  readonly memberId: string;
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** A worker of ours serves this member's node. */
  readonly agent: boolean;
}

export interface PolicyRow {
  readonly revision: number;
  readonly updatedAt: string;
  readonly updatedBy: string;
  readonly targetIds: readonly string[];
  readonly recurring: Recurring;
  readonly retentionCount: number;
}

export interface ClusterRow extends ShownRow {
  readonly clusterId: string;
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly registeredAt: string;
  readonly removedAt: string | null;
  readonly members: readonly MemberRow[];
  /** Joined node agents, also those whose member is not (yet) observed. */
  readonly agents: readonly { readonly node: string; readonly worker: string }[];
  /** Null for a legacy cluster until its policy is saved for the first time. */
  readonly policy: PolicyRow | null;
}

/** The target `local` shows no event: its position is ''. */
interface TargetBase extends ShownRow {
  readonly targetId: string;
  readonly name: string;
  /** Of copies from now on; each copy says how it is encoded itself. */
  readonly encoding: Encoding;
  readonly retiredAt: string | null;
}
export interface LocalTargetRow extends TargetBase {
  readonly kind: 'LOCAL';
  readonly path: string;
}
/** Holds no secret, nor where one is kept. */
export interface S3TargetRow extends TargetBase, Omit<S3Settings, 'ca' | 'secretRef'> {
  readonly kind: 'S3';
  readonly bucket: string;
  /** '' or a prefix of all keys that ends in "/". */
  readonly folder: string;
  readonly hasCustomCa: boolean;
  /** False: the credential chain of the process that runs the role (IAM). */
  readonly hasKeys: boolean;
}
export type TargetRow = LocalTargetRow | S3TargetRow;

export interface CopyRow {
  readonly targetId: string;
  readonly node: string | null;
  readonly storedOn: string | null;
  readonly state: CopyState;
  readonly location: string | null;
  readonly revision: number | null;
  /** SHA-256 of the database in this copy. */
  readonly sha256: string | null;
  /** SHA-256 and size of the stored file. */
  readonly storedSha256: string | null;
  readonly storedSize: number | null;
  readonly storedAt: string | null;
  /** What was done to the database, in this order; empty until it is stored. */
  readonly encoding: readonly EncodingStep[];
  readonly verification: VerificationLevel;
  readonly verifiedAt: string | null;
  readonly failure: FailureRow | null;
}

/** One read of etcd. WAITING: not claimed yet, or between two attempts. */
export interface PartRow {
  readonly part: string;
  /** That it may feed; once it is TAKEN, those that it did feed. */
  readonly targetIds: readonly string[];
  readonly state: 'WAITING' | 'RUNNING' | 'TAKEN' | 'FAILED';
  readonly attempt: number;
  readonly bytes: number;
  readonly totalBytes: number | null;
  /** Null until it is TAKEN. */
  readonly read: { readonly revision: number; readonly sha256: string } | null;
}

export interface SnapshotRow extends ShownRow {
  readonly snapshotId: string;
  readonly clusterId: string;
  /** Position of its SnapshotRequested: the list's order (newest first) and its cursor. */
  readonly order: Position;
  readonly name: string;
  readonly kind: SnapshotKind;
  readonly state: SnapshotState;
  readonly requestedAt: string;
  readonly requestedBy: string;
  readonly slot: string | null;
  /** Begin of the first attempt. */
  readonly startedAt: string | null;
  readonly takenAt: string | null;
  /** When it ended, as taken or as failed. */
  readonly completedAt: string | null;
  /** The highest attempt number of any part. */
  readonly attempts: number;
  /** Only while RUNNING. */
  readonly progress: { readonly bytes: number; readonly totalBytes: number | null } | null;
  readonly revision: number | null;
  readonly keyCount: number | null;
  readonly dbSize: number | null;
  readonly sha256: string | null;
  readonly etcdVersion: string | null;
  readonly member: string | null;
  readonly durationMs: number | null;
  readonly parts: readonly PartRow[];
  readonly copies: readonly CopyRow[];
  /** Why it is FAILED; null in every other state. */
  readonly failure: FailureRow | null;
  readonly pinned: boolean;
  /** The lowest level that holds for every stored copy; NONE without one. */
  readonly verification: VerificationLevel;
}

export interface HistoryRow {
  readonly clusterId: string;
  readonly position: Position;
  readonly type: string;
  readonly at: string;
  readonly actor: string;
  /** One readable sentence. */
  readonly summary: string;
  readonly snapshotId: string | null;
  /** The event's data, which never hold a secret. */
  readonly data: Readonly<Record<string, unknown>>;
}
