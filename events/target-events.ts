// The facts of one backup target (stream `target-<id>`). Their shapes never change: a new shape is a new version.
// The target `local` has no stream: it always exists, its path is configuration.
import { z } from 'zod';

export const encodingSteps = ['zstd', 'age'] as const;
export type EncodingStep = (typeof encodingSteps)[number];

/** How copies are encoded on their way to the target. `compressionLevel` is zstd's; `ageRecipients` are public keys, none for plain copies. */
export const encodingSchema = z.strictObject({
  compression: z.enum(['NONE', 'ZSTD']),
  compressionLevel: z.int().min(1).max(19),
  ageRecipients: z.array(z.string()).readonly(),
}).readonly();
export type Encoding = z.infer<typeof encodingSchema>;
export const plainEncoding: Encoding = { compression: 'NONE', compressionLevel: 3, ageRecipients: [] };

export const s3Addressings = ['AUTO', 'PATH', 'VIRTUAL_HOST'] as const;
export const s3ChecksumModes = ['AUTO', 'ALWAYS', 'WHEN_REQUIRED'] as const;
export const s3ServerSideEncryptions = ['NONE', 'S3', 'KMS'] as const;

/** How an S3-compatible store is reached and what is asked of it; keys are in the vault under `secretRef`. */
export const s3SettingsSchema = z.strictObject({
  /** Null: discovered, else us-east-1. */
  region: z.string().nullable(),
  /** http or https URL without a path; null: AWS. */
  endpoint: z.string().nullable(),
  addressing: z.enum(s3Addressings),
  /** PEM of the authorities trusted for this target alone; null: those that Node.js trusts. */
  ca: z.string().nullable(),
  /** http or https URL of a forward proxy. */
  proxy: z.string().nullable(),
  requestTimeoutSeconds: z.int().positive(),
  /** Trailing checksums: AUTO is ALWAYS on AWS, and WHEN_REQUIRED at an endpoint of one's own. */
  checksumMode: z.enum(s3ChecksumModes),
  serverSideEncryption: z.enum(s3ServerSideEncryptions),
  kmsKeyId: z.string().nullable(),
  storageClass: z.string().nullable(),
  /** Last four characters of the access key; null without one, and for one of less than eight. */
  accessKeyHint: z.string().nullable(),
  /** Null: the credential chain of the process (IAM). */
  secretRef: z.string().nullable(),
}).readonly();
export type S3Settings = z.infer<typeof s3SettingsSchema>;

const created = { targetId: z.string(), name: z.string(), encoding: encodingSchema };

export const targetEventSchemas = {
  /** `folder`: '' or a prefix of all keys that ends in "/". */
  TargetCreated: z.discriminatedUnion('kind', [
    z.strictObject({ ...created, kind: z.literal('LOCAL'), path: z.string() }),
    z.strictObject({ ...created, kind: z.literal('S3'), bucket: z.string(), folder: z.string(), settings: s3SettingsSchema }),
  ]).readonly(),
  /** The whole as it is from now on; `settings` null for a local target. */
  TargetUpdated: z.strictObject({ name: z.string(), encoding: encodingSchema, settings: s3SettingsSchema.nullable() }).readonly(),
  TargetRetired: z.strictObject({}).readonly(),
} as const;

export type TargetEventType = keyof typeof targetEventSchemas;
export type TargetEventOf<T extends TargetEventType> = { readonly type: T; readonly data: z.infer<(typeof targetEventSchemas)[T]> };
export type TargetEvent = { [T in TargetEventType]: TargetEventOf<T> }[TargetEventType];

export const targetStream = (targetId: string): string => `target-${targetId}`;
/** The target that always exists. */
export const localTargetId = 'local';
