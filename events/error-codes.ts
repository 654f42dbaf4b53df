// Every code that Snapkeep says: to API clients, in failed snapshots, and in errors that stop a process.
// Not their wording, which belongs to the place that finds the fault.

/** Codes of userErrors: what a person can mend by another call (`UserErrorCode` of the API). */
export const userErrorCodes = [
  'INVALID_INPUT', 'NOT_FOUND', 'ALREADY_EXISTS', 'CONFLICT', 'IN_PROGRESS',
  'TARGET_IN_USE', 'PINNED', 'UNREACHABLE', 'FORBIDDEN', 'IN_DOUBT',
] as const;
export type UserErrorCode = (typeof userErrorCodes)[number];

/** Steps of a snapshot or prune at which it can fail (`Failure.step`). */
export const failureSteps = [
  'CLAIM', 'CREDENTIALS', 'CONNECT', 'PREFLIGHT', 'STREAM', 'VERIFY', 'COMMIT', 'READ', 'REMOVE',
] as const;
export type FailureStep = (typeof failureSteps)[number];

/** Why a step failed (`Failure.code`). */
export const failureCodes = [
  // the cluster and its ledger
  'CLUSTER_REMOVED', 'AGENT_SILENT', 'SECRET_MISSING',
  // etcd
  'UNREACHABLE', 'TLS', 'AUTH', 'NO_HEALTHY_MEMBER', 'MEMBER_FOREIGN', 'STREAM_STALLED', 'STREAM_BROKEN', 'BAD_ANSWER',
  // what etcd sent
  'TRAILER_MISSING', 'HASH_MISMATCH', 'TRUNCATED', 'STRUCTURE_INVALID',
  // targets
  'TARGET_UNAVAILABLE', 'TARGET_RETIRED', 'TARGET_NOT_WRITABLE', 'TARGET_FOREIGN',
  'DISK_FULL', 'DISK_FAILED', 'KEY_INVALID', 'COPY_EXISTS', 'COPY_MISSING', 'COPY_STALLED', 'COPY_ENCRYPTED', 'ENCODING_FAILED', 'SPOOL_FULL',
  // S3-compatible stores
  'BUCKET_MISSING', 'BUCKET_FULL', 'OBJECT_LOCKED', 'ACCESS_DENIED', 'CREDENTIALS_MISSING', 'CREDENTIALS_REFUSED', 'CLOCK_SKEW', 'REGION_WRONG',
  'SLOW_DOWN', 'STORE_FAILED',
  // the worker
  'CANCELLED', 'SUPERSEDED', 'UNEXPECTED',
] as const;
export type FailureCode = (typeof failureCodes)[number];

/** Errors that stop the operation or the process that met them (`SnapkeepError.code`). */
export const errorCodes = [
  'APPEND_CONFLICT', 'APPEND_REFUSED', 'IN_DOUBT',
  'EVENT_UNDECODABLE', 'EVENT_VERSION_UNKNOWN', 'POSITION_FOREIGN', 'STORE_IN_USE', 'STORE_CLOSED', 'STORE_CORRUPT', 'STORE_UNAVAILABLE',
  'VAULT_KEY_MISMATCH', 'VAULT_CORRUPT', 'VAULT_REF_TAKEN', 'VAULT_BUSY', 'MASTER_KEY_INVALID', 'CONFIG_INVALID',
  'BAD_USER_INPUT', 'UNAUTHENTICATED', 'FORBIDDEN_ORIGIN',
] as const;
export type ErrorCode = (typeof errorCodes)[number];
