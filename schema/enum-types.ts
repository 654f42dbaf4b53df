// The API's enums and what their values mean. The codes of userErrors are those of events/error-codes.ts.
// Imported for its effect too: registering is what makes type-graphql know them.
import { registerEnumType } from 'type-graphql';
import type { verificationLevels } from '../events/cluster-events.js';
import type { userErrorCodes } from '../events/error-codes.js';
import type { Encoding, s3Addressings, s3ChecksumModes, s3ServerSideEncryptions } from '../events/target-events.js';

type Named<T extends string> = { readonly [Name in T]: Name };
const named = <T extends string>(names: readonly T[]): Named<T> => Object.fromEntries(names.map((name) => [name, name])) as Named<T>;

/** Registers an enum whose values are their own names, each with its meaning. */
function register<T extends string>(name: string, description: string, meanings: Readonly<Record<T, string>>): Named<T> {
  const values = named(Object.keys(meanings) as T[]);
  const valuesConfig = Object.fromEntries(Object.entries<string>(meanings).map(([value, meaning]) => [value, { description: meaning }]));
  registerEnumType<Record<string, string>>(values, { name, description, valuesConfig });
  return values;
}

export const FreshnessState = register('FreshnessState', 'Whether the newest verified snapshot is as recent as the policy promises.', {
  FRESH: 'The newest verified snapshot is within the budget of 1.5 times the longest gap between planned slots.',
  STALE: 'The newest verified snapshot is older than the budget.',
  NEVER: 'Recurrence is on and nothing is verified yet.',
  PAUSED: 'Recurrence is off, or the cluster has no policy.',
});
export const TargetKind = register('TargetKind', 'Where a target keeps its copies.', {
  LOCAL: 'A directory on the disk of the worker or of the etcd node.',
  S3: 'A bucket of an S3-compatible store.',
});
const COMPRESSIONS: Readonly<Record<Encoding['compression'], string>> = {
  NONE: 'Not at all: etcd\'s tools read the file as it is.',
  ZSTD: 'With zstd, as its own tool reads it.',
};
export const Compression = register('Compression', 'How copies are compressed.', COMPRESSIONS);
const ADDRESSINGS: Readonly<Record<(typeof s3Addressings)[number], string>> = {
  AUTO: 'In the path at an endpoint of one\'s own and for a bucket with a dot in its name, else in the host\'s name.',
  PATH: 'In the path: https://host/bucket/key.',
  VIRTUAL_HOST: 'In the host\'s name: https://bucket.host/key.',
};
export const S3Addressing = register('S3Addressing', 'Where the name of the bucket stands in requests.', ADDRESSINGS);
export const S3CredentialSource = register('S3CredentialSource', 'What requests to an S3-compatible store are signed with.', {
  KEYS: 'Access key and secret key that were given to the target.',
  IAM: 'What the process that stores the copy finds: instance role, container role, web identity, environment.',
});
const CHECKSUM_MODES: Readonly<Record<(typeof s3ChecksumModes)[number], string>> = {
  AUTO: 'ALWAYS on AWS, WHEN_REQUIRED at an endpoint of one\'s own.',
  ALWAYS: 'Every upload carries one, which the store compares.',
  WHEN_REQUIRED: 'Only where the operation cannot do without, for stores that refuse them.',
};
export const S3ChecksumMode = register('S3ChecksumMode', 'Whether uploads carry trailing checksums.', CHECKSUM_MODES);
const SERVER_SIDE_ENCRYPTIONS: Readonly<Record<(typeof s3ServerSideEncryptions)[number], string>> = {
  NONE: 'None is asked for: it is as the bucket is set up.',
  S3: 'With keys that the store manages (SSE-S3).',
  KMS: 'With a key of the store\'s key management service (SSE-KMS).',
};
export const S3ServerSideEncryption = register('S3ServerSideEncryption', 'Encryption that is asked of the store.', SERVER_SIDE_ENCRYPTIONS);
export const SnapshotKind = register('SnapshotKind', 'Why a snapshot was requested.', {
  RECURRING: 'By the policy, for a planned slot; kept by count.',
  MANUAL: 'By a person or a script; never pruned by policy.',
});
export const SnapshotState = register('SnapshotState', 'How far a snapshot is.', {
  REQUESTED: 'Waits for a worker.',
  RUNNING: 'A worker reads etcd and stores the copies.',
  TAKEN: 'Every copy is stored and verified.',
  PARTIAL: 'Some copies are stored, some are not.',
  FAILED: 'No copy was ever stored; see failure.',
  PRUNED: 'It was taken, and no copy is stored any more.',
});
export const CopyState = register('CopyState', 'How far one copy of a snapshot is.', {
  PENDING: 'Not stored yet.',
  STORED: 'Stored and verified at the level that verification says.',
  FAILED: 'Could not be stored; see failure.',
  PRUNING: 'Its deletion is decided and being carried out.',
  PRUNED: 'Deleted.',
});
const LEVELS: Readonly<Record<(typeof verificationLevels)[number], string>> = {
  NONE: 'Nothing was checked.',
  HASH_OK: 'Its bytes match the SHA-256 that etcd sent with them.',
  STRUCTURE_OK: 'Moreover its database is sound, page by page.',
  READ_BACK: 'Moreover it was read back from the target and compared.',
  RESTORE_TESTED: 'Moreover an etcd was restored from it.',
};
export const VerificationLevel = register('VerificationLevel', 'What was proven of a copy, from least to most.', LEVELS);

const USER_ERRORS: Readonly<Record<(typeof userErrorCodes)[number], string>> = {
  INVALID_INPUT: 'A field of the input cannot be accepted; path names it.',
  NOT_FOUND: 'There is nothing by that id.',
  ALREADY_EXISTS: 'The id is taken, or was once: ids are never used again.',
  CONFLICT: 'Something changed meanwhile, or the request contradicts an earlier one; look, then decide again.',
  IN_PROGRESS: 'It is being worked on; try again when that has ended.',
  TARGET_IN_USE: 'A policy names the target; take it out of the policy first.',
  PINNED: 'The snapshot is pinned; unpin it first.',
  UNREACHABLE: 'What the request needs does not answer.',
  FORBIDDEN: 'Not allowed.',
  IN_DOUBT: 'The log did not answer in time: it may have taken effect. Look, or repeat it.',
};
export const UserErrorCode = register('UserErrorCode', 'What is wrong with a mutation, in terms of what mends it.', USER_ERRORS);
