// Input of creating and changing targets. Checked in target-check.ts; what is left out or null means is in target-settings.ts.
// Keys are write-only: no type of the API has a field that returns them.
import { Field, ID, InputType, Int } from 'type-graphql';
import { Compression, S3Addressing, S3ChecksumMode, S3ServerSideEncryption } from './enum-types.js';

const OPTIONAL = (description: string) => ({ nullable: true, description });
const NEW_ID = { description: 'Slug of 1 to 63 characters: a-z, 0-9, and - inside. Never used again.' } as const;
const NEW_NAME = OPTIONAL('Name for people, up to 100 characters; default: the id.');
const KNOWN_ID = { description: 'Id of the target.' } as const;
const OTHER_NAME = OPTIONAL('Name for people; null: back to the id.');

@InputType()
export class EncodingInput {
  @Field(() => Compression, OPTIONAL('How copies are compressed; default NONE, so that etcd\'s tools read the file as it is.'))
  readonly compression?: keyof typeof Compression | null;

  @Field(() => Int, OPTIONAL('Level of ZSTD, 1 (fast) to 19 (small); default 3.'))
  readonly compressionLevel?: number | null;

  @Field(() => [String], OPTIONAL(
    'Public keys of age (age1…), up to 20, to each of which copies are encrypted; default none: not encrypted. Keep the private keys elsewhere.',
  ))
  readonly ageRecipients?: readonly string[] | null;
}

@InputType({ description: 'A directory in which copies are to be kept.' })
export class CreateLocalTargetInput extends EncodingInput {
  @Field(() => ID, NEW_ID)
  readonly id!: string;

  @Field(() => String, NEW_NAME)
  readonly name?: string | null;

  @Field(() => String, { description: 'Absolute, normalised path of the directory. It never changes.' })
  readonly path!: string;
}

@InputType({ description: 'Changes of a local target, for copies from now on. Left out: kept; null: back to the default.' })
export class UpdateLocalTargetInput extends EncodingInput {
  @Field(() => ID, KNOWN_ID)
  readonly id!: string;

  @Field(() => String, OTHER_NAME)
  readonly name?: string | null;
}

@InputType()
export class S3OptionsInput extends EncodingInput {
  @Field(() => String, OPTIONAL('Region; without one it is discovered, else us-east-1.'))
  readonly region?: string | null;

  @Field(() => String, OPTIONAL('host, host:port or http(s) URL without a path; https where no scheme is written. Empty or without one: AWS.'))
  readonly endpoint?: string | null;

  @Field(() => String, OPTIONAL('Access key, with its secret key. Without keys the worker\'s own credentials (IAM) are used. Write-only.'))
  readonly accessKey?: string | null;

  @Field(() => String, OPTIONAL('Secret key of the access key. Write-only.'))
  readonly secretKey?: string | null;

  @Field(() => String, OPTIONAL('PEM of the certificate authorities trusted for this target alone; without it those that Node.js trusts.'))
  readonly ca?: string | null;

  @Field(() => String, OPTIONAL('http or https URL of a forward proxy, without a path or credentials; without one the store is reached directly.'))
  readonly proxy?: string | null;

  @Field(() => Int, OPTIONAL('Seconds that one request, such as a part of an upload, may take: 1 to 3600; default 60.'))
  readonly requestTimeoutSeconds?: number | null;

  @Field(() => S3ChecksumMode, OPTIONAL('Whether uploads carry trailing checksums, which some stores refuse; default AUTO.'))
  readonly checksumMode?: keyof typeof S3ChecksumMode | null;

  @Field(() => S3ServerSideEncryption, OPTIONAL('Encryption that is asked of the store; default NONE: as the bucket is set up.'))
  readonly serverSideEncryption?: keyof typeof S3ServerSideEncryption | null;

  @Field(() => String, OPTIONAL('Id, ARN or alias of the key, with serverSideEncryption KMS only; without one the account\'s default key.'))
  readonly kmsKeyId?: string | null;

  @Field(() => String, OPTIONAL('Storage class, such as STANDARD_IA; without one the bucket\'s default.'))
  readonly storageClass?: string | null;
}

@InputType({ description: 'A bucket of an S3-compatible store in which copies are to be kept. Nothing is connected to yet: testTarget does that.' })
export class CreateS3TargetInput extends S3OptionsInput {
  @Field(() => ID, NEW_ID)
  readonly id!: string;

  @Field(() => String, NEW_NAME)
  readonly name?: string | null;

  @Field(() => String, { description: 'Name of the bucket, which must exist. It never changes.' })
  readonly bucket!: string;

  @Field(() => String, OPTIONAL('Folder in the bucket, such as etcd/prod; default: the bucket itself. It never changes.'))
  readonly folder?: string | null;

  @Field(() => S3Addressing, { nullable: true, defaultValue: 'AUTO', description: 'Where the bucket\'s name stands in requests.' })
  readonly addressing?: keyof typeof S3Addressing | null;
}

@InputType({
  description: 'Changes of an S3 target, for copies from now on. Left out: kept; null: cleared, or back to the default. Keys are replaced together.',
})
export class UpdateS3TargetInput extends S3OptionsInput {
  @Field(() => ID, KNOWN_ID)
  readonly id!: string;

  @Field(() => String, OTHER_NAME)
  readonly name?: string | null;

  @Field(() => S3Addressing, OPTIONAL('Where the bucket\'s name stands in requests; null: AUTO.'))
  readonly addressing?: keyof typeof S3Addressing | null;

  @Field(() => Boolean, OPTIONAL('True: clears the keys, so that the credential chain (IAM) is used. Not together with keys.'))
  readonly useIam?: boolean | null;
}
