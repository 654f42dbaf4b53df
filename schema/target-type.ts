// Targets in the API: where copies of snapshots are kept. No field returns a key, a certificate or where one is kept.
// The input side is in target-input.ts.
import { Field, ID, Int, InterfaceType, ObjectType } from 'type-graphql';
import type { TargetRow } from '../projections/read-model.js';
import { Compression, S3Addressing, S3ChecksumMode, S3CredentialSource, S3ServerSideEncryption, TargetKind } from './enum-types.js';

@InterfaceType({
  description: 'A place where copies of snapshots are kept.',
  resolveType: ({ kind }: Target) => (kind === 'S3' ? 'S3Target' : 'LocalTarget'),
})
export abstract class Target {
  @Field(() => ID, { name: 'id', description: 'Slug chosen when it was created; `local` always exists.' })
  readonly targetId!: string;

  @Field(() => String, { description: 'Name for people.' })
  readonly name!: string;

  @Field(() => TargetKind, { description: 'Which kind of store it is.' })
  readonly kind!: keyof typeof TargetKind;

  @Field(() => Compression, { description: 'How copies are compressed from now on; each copy says itself how it is encoded.' })
  readonly compression!: keyof typeof Compression;

  @Field(() => Int, { nullable: true, description: 'Level of ZSTD, 1 to 19; null without compression.' })
  readonly compressionLevel!: number | null;

  @Field(() => [String], { description: 'Public keys of age to each of which copies are encrypted from now on; empty: they are not.' })
  readonly ageRecipients!: readonly string[];
}

@ObjectType({ implements: Target, description: 'A directory on a disk: the worker\'s, or with node agents that of each etcd node.' })
export class LocalTarget extends Target {
  @Field(() => String, { description: 'Absolute path of the directory. It never changes.' })
  readonly path!: string;
}

@ObjectType({ implements: Target, description: 'A bucket of an S3-compatible store, or a folder in it.' })
export class S3Target extends Target {
  @Field(() => String, { description: 'Name of the bucket. It never changes.' })
  readonly bucket!: string;

  @Field(() => String, { nullable: true, description: 'Folder in the bucket, ending in "/"; null: the bucket itself. It never changes.' })
  readonly folder!: string | null;

  @Field(() => String, { nullable: true, description: 'Region; null: discovered, else us-east-1.' })
  readonly region!: string | null;

  @Field(() => String, { nullable: true, description: 'http or https URL of the store; null: AWS.' })
  readonly endpoint!: string | null;

  @Field(() => S3Addressing, { description: 'Where the bucket\'s name stands in requests.' })
  readonly addressing!: keyof typeof S3Addressing;

  @Field(() => S3CredentialSource, { description: 'What requests are signed with.' })
  readonly credentials!: keyof typeof S3CredentialSource;

  @Field(() => String, { nullable: true, description: 'Last four characters of the access key; null for IAM and for keys of less than eight.' })
  readonly accessKeyHint!: string | null;

  @Field(() => Boolean, { description: 'Whether certificate authorities of its own are trusted instead of those that Node.js trusts.' })
  readonly hasCustomCa!: boolean;

  @Field(() => String, { nullable: true, description: 'http or https URL of the forward proxy; null: none.' })
  readonly proxy!: string | null;

  @Field(() => Int, { description: 'Seconds that one request, such as a part of an upload, may take.' })
  readonly requestTimeoutSeconds!: number;

  @Field(() => S3ChecksumMode, { description: 'Whether uploads carry trailing checksums.' })
  readonly checksumMode!: keyof typeof S3ChecksumMode;

  @Field(() => S3ServerSideEncryption, { description: 'Encryption that is asked of the store.' })
  readonly serverSideEncryption!: keyof typeof S3ServerSideEncryption;

  @Field(() => String, { nullable: true, description: 'The key of KMS; null: the account\'s default key, or another encryption.' })
  readonly kmsKeyId!: string | null;

  @Field(() => String, { nullable: true, description: 'Storage class of the objects; null: the bucket\'s default.' })
  readonly storageClass!: string | null;
}

/** The API's object of a row; type-graphql tells implementations apart by their class. */
export function targetOf(row: TargetRow): Target {
  const { compression, compressionLevel, ageRecipients } = row.encoding;
  const encoding = { compression, compressionLevel: compression === 'NONE' ? null : compressionLevel, ageRecipients };
  if (row.kind === 'LOCAL') return Object.assign(new LocalTarget(), row, encoding);
  return Object.assign(new S3Target(), row, encoding, {
    folder: row.folder === '' ? null : row.folder, credentials: row.hasKeys ? 'KEYS' as const : 'IAM' as const,
  });
}
