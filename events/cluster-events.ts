// The facts of one cluster's backup ledger (stream `cluster-<id>`). Their shapes never change: a new shape is a new version.
// Not the rules that lead to them: see services/ledger.
import { z } from 'zod';
import { failureCodes, failureSteps } from './error-codes.js';
import { encodingSteps } from './target-events.js';

const instant = z.string();
const count = z.int().nonnegative();

/** Why something failed: the step, a code, and a message for a person. */
export const failureSchema = z.strictObject({ step: z.enum(failureSteps), code: z.enum(failureCodes), message: z.string() }).readonly();
export type Failure = z.infer<typeof failureSchema>;

/** How etcd is reached; secrets (client key, password) are in the vault under `secretRef`. Certificates are PEM. */
export const connectionSchema = z.strictObject({
  endpoints: z.array(z.string()).readonly(),
  ca: z.string().nullable(),
  clientCertificate: z.string().nullable(),
  username: z.string().nullable(),
  secretRef: z.string().nullable(),
}).readonly();
export type Connection = z.infer<typeof connectionSchema>;

export const memberSchema = z.strictObject({
  memberId: z.string(), name: z.string(), clientUrls: z.array(z.string()).readonly(), learner: z.boolean(),
}).readonly();

/** When recurring snapshots are due. Either `intervalHours` or `cron` (with `timeZone`) is set. `anchor` is null while off. */
export const recurringSchema = z.strictObject({
  enabled: z.boolean(),
  intervalHours: z.int().nullable(),
  cron: z.string().nullable(),
  timeZone: z.string().nullable(),
  anchor: instant.nullable(),
  /** 0: the anchor itself is the first slot (recurrence was switched on then); 1: the first slot is anchor + interval. */
  firstSlot: z.union([z.literal(0), z.literal(1)]),
}).readonly();
export type Recurring = z.infer<typeof recurringSchema>;

/** One read of etcd: `any`, or the name of the node whose agent performs it, and the targets that it may feed: see snapshot-part.ts. */
export const partSchema = z.strictObject({ part: z.string(), targetIds: z.array(z.string()).readonly() }).readonly();
export type Part = z.infer<typeof partSchema>;

export const verificationLevels = ['NONE', 'HASH_OK', 'STRUCTURE_OK', 'READ_BACK', 'RESTORE_TESTED'] as const;
export type VerificationLevel = (typeof verificationLevels)[number];

/** What was read from etcd. Sizes in bytes; `sha256` is the database's (etcd's own trailer), hex. */
export const readFactsSchema = z.strictObject({
  takenAt: instant, revision: count, keyCount: count, dbSize: count, sha256: z.string(),
  etcdVersion: z.string(), member: z.string(), durationMs: count,
}).readonly();
export type ReadFacts = z.infer<typeof readFactsSchema>;

const copyId = {
  targetId: z.string(),
  /** etcd node whose own disk holds it and whose member it was read from; null for a copy that is not tied to a node. */
  node: z.string().nullable(),
};
/** One stored file or object; `versionId` where the bucket keeps versions. */
const storedKeySchema = z.strictObject({ key: z.string(), versionId: z.string().nullable() }).readonly();
export type StoredKey = z.infer<typeof storedKeySchema>;

export const storedCopySchema = z.strictObject({
  ...copyId,
  /** Node id of the worker whose disk holds it; null where every worker can reach it. */
  storedOn: z.string().nullable(),
  /** The database, the manifest, then earlier versions of either that are to go with them. */
  keys: z.array(storedKeySchema).readonly(),
  location: z.string(),
  /** What was done to the database, in this order; none: etcd's tools read the file as it is. */
  encoding: z.array(z.enum(encodingSteps)).readonly(),
  storedSize: count,
  /** SHA-256 of the stored file as `sha256sum` prints it. */
  storedSha256: z.string(),
  storedAt: instant,
  verification: z.enum(verificationLevels),
}).readonly();
export type StoredCopyFact = z.infer<typeof storedCopySchema>;

const failedCopySchema = z.strictObject({ ...copyId, failure: failureSchema }).readonly();
export type FailedCopyFact = z.infer<typeof failedCopySchema>;

const snapshot = { snapshotId: z.string() };
const attemptOf = { ...snapshot, part: z.string(), attempt: z.int().positive() };
const copyOf = { ...snapshot, ...copyId };

export const pruneReasons = ['RETENTION', 'DELETED'] as const;
/** ABANDONED: nobody reaches the disk any more, so what lies there may still be there. */
export const prunedReasons = [...pruneReasons, 'ABANDONED'] as const;
export const skipReasons = ['REQUEST_OPEN', 'SNAPSHOT_RUNNING'] as const;

export const clusterEventSchemas = {
  ClusterRegistered: z.strictObject({ clusterId: z.string(), name: z.string(), legacy: z.boolean(), connection: connectionSchema }).readonly(),
  ClusterUpdated: z.strictObject({ name: z.string(), connection: connectionSchema }).readonly(),
  ClusterRemoved: z.strictObject({}).readonly(),
  MembersObserved: z.strictObject({ members: z.array(memberSchema).readonly() }).readonly(),
  AgentJoined: z.strictObject({ node: z.string(), worker: z.string(), endpoint: z.string() }).readonly(),
  AgentLeft: z.strictObject({ node: z.string(), worker: z.string() }).readonly(),
  PolicyUpdated: z.strictObject({
    revision: z.int().positive(), targetIds: z.array(z.string()).readonly(), recurring: recurringSchema, retentionCount: z.int().positive(),
  }).readonly(),
  SnapshotRequested: z.strictObject({
    ...snapshot, name: z.string(), kind: z.enum(['RECURRING', 'MANUAL']), slot: instant.nullable(),
    idempotencyKey: z.string().nullable(), givenName: z.string().nullable(), parts: z.array(partSchema).readonly(),
  }).readonly(),
  SnapshotSkipped: z.strictObject({ slot: instant, reason: z.enum(skipReasons) }).readonly(),
  SnapshotStarted: z.strictObject({ ...attemptOf, worker: z.string(), leaseMs: z.int().positive() }).readonly(),
  SnapshotProgressed: z.strictObject({ ...attemptOf, bytes: count, totalBytes: count.nullable() }).readonly(),
  SnapshotPartTaken: z.strictObject({
    ...attemptOf, facts: readFactsSchema, copies: z.array(storedCopySchema).readonly(), failedCopies: z.array(failedCopySchema).readonly(),
  }).readonly(),
  /** `retryAfterMs` null: failed for good. */
  SnapshotPartFailed: z.strictObject({ ...attemptOf, failure: failureSchema, retryAfterMs: count.nullable() }).readonly(),
  /** Ends the run: at least one copy is stored. `facts` are those of the first part that was taken. */
  SnapshotTaken: z.strictObject({
    ...snapshot, outcome: z.enum(['TAKEN', 'PARTIAL']), facts: readFactsSchema,
    copies: z.array(storedCopySchema).readonly(), failedCopies: z.array(failedCopySchema).readonly(),
  }).readonly(),
  SnapshotFailed: z.strictObject({ ...snapshot, failure: failureSchema }).readonly(),
  SnapshotCopyStored: z.strictObject({ ...snapshot, copy: storedCopySchema }).readonly(),
  SnapshotCopyFailed: z.strictObject({ ...copyOf, failure: failureSchema, retryAfterMs: count.nullable() }).readonly(),
  SnapshotVerified: z.strictObject({ ...copyOf, level: z.enum(verificationLevels) }).readonly(),
  SnapshotPinned: z.strictObject(snapshot).readonly(),
  SnapshotUnpinned: z.strictObject(snapshot).readonly(),
  SnapshotPruneRequested: z.strictObject({
    ...copyOf, storedOn: z.string().nullable(), keys: z.array(storedKeySchema).readonly(), reason: z.enum(pruneReasons),
  }).readonly(),
  SnapshotPruned: z.strictObject({ ...copyOf, reason: z.enum(prunedReasons) }).readonly(),
  SnapshotPruneFailed: z.strictObject({ ...copyOf, failure: failureSchema, retryAfterMs: count }).readonly(),
} as const;

export type ClusterEventType = keyof typeof clusterEventSchemas;
export type ClusterEventOf<T extends ClusterEventType> = { readonly type: T; readonly data: z.infer<(typeof clusterEventSchemas)[T]> };
export type ClusterEvent = { [T in ClusterEventType]: ClusterEventOf<T> }[ClusterEventType];

export const clusterStream = (clusterId: string): string => `cluster-${clusterId}`;
