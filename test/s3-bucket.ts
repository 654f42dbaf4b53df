// Buckets of a test's own in the real S3 server, and what is really in them: versions, delete markers and unfinished uploads too.
// Asks the server itself, past every proxy and past the code under test.
import {
  AbortMultipartUploadCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteBucketCommand, DeleteObjectCommand, GetObjectCommand,
  ListMultipartUploadsCommand, ListObjectVersionsCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client, UploadPartCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { S3Settings } from '../events/target-events.js';
import { inTens } from './in-tens.js';
import type { S3Server } from './s3-server.js';

export interface TestBucket {
  readonly name: string;
  readonly client: S3Client;
  put(key: string, bytes?: Buffer | string): Promise<void>;
  get(key: string): Promise<Buffer>;
  /** Begins an upload, with one part, and leaves it. */
  beginUpload(key: string): Promise<void>;
  /** Every version of every object, delete markers included, as '<key>' or '<key>@<marker>'; sorted. */
  objects(): Promise<string[]>;
  /** Keys of the unfinished uploads; sorted. */
  uploads(): Promise<string[]>;
  /** Removes everything in it, and itself. */
  dispose(): Promise<void>;
}

/** What a target needs to reach the server, for tests to change as they need. */
export const settingsFor = (server: Pick<S3Server, 'endpoint'>): S3Settings => ({
  region: 'us-east-1', endpoint: server.endpoint, addressing: 'AUTO', ca: null, proxy: null, requestTimeoutSeconds: 30, checksumMode: 'AUTO',
  serverSideEncryption: 'NONE', kmsKeyId: null, storageClass: null, accessKeyHint: null, secretRef: null,
});

export async function makeBucket(server: S3Server, options: { readonly versioned?: boolean; readonly locked?: boolean } = {}): Promise<TestBucket> {
  const name = `test-${randomBytes(8).toString('hex')}`;
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const client = new S3Client({
    endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const Bucket = name;
  await client.send(new CreateBucketCommand({ Bucket, ...(options.locked === true ? { ObjectLockEnabledForBucket: true } : {}) }));
  if (options.versioned === true) {
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  }

  const versions = async (): Promise<{ Key: string; VersionId: string | undefined; marker: boolean }[]> => {
    const found = [];
    for (let from = {}; ;) {
      const page = await client.send(new ListObjectVersionsCommand({ Bucket, ...from }));
      for (const { Key = '', VersionId } of page.Versions ?? []) found.push({ Key, VersionId, marker: false });
      for (const { Key = '', VersionId } of page.DeleteMarkers ?? []) found.push({ Key, VersionId, marker: true });
      if (page.IsTruncated !== true) return found;
      from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
  };
  const openUploads = async (): Promise<{ Key: string; UploadId: string | undefined }[]> => {
    const found = [];
    for (let from = {}; ;) {
      const page = await client.send(new ListMultipartUploadsCommand({ Bucket, ...from }));
      for (const { Key = '', UploadId } of page.Uploads ?? []) found.push({ Key, UploadId });
      if (page.IsTruncated !== true) return found;
      from = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
  };
  return {
    name,
    client,
    async put(key, bytes = 'x') {
      await client.send(new PutObjectCommand({ Bucket, Key: key, Body: bytes }));
    },
    async get(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
      if (!(Body instanceof Readable)) throw new Error('the SDK gave an answer whose body is no stream of Node');
      return buffer(Body);
    },
    async beginUpload(key) {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: key }));
      await client.send(new UploadPartCommand({ Bucket, Key: key, UploadId, PartNumber: 1, Body: 'part' }));
    },
    objects: async () => (await versions()).map(({ Key, marker }) => (marker ? `${Key}@marker` : Key)).sort(),
    uploads: async () => (await openUploads()).map(({ Key }) => Key).sort(),
    async dispose() {
      await inTens(await versions(), ({ Key, VersionId }) => client.send(new DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention: true })));
      await inTens(await openUploads(), ({ Key, UploadId }) => client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })));
      await client.send(new DeleteBucketCommand({ Bucket }));
      client.destroy();
    },
  };
}
