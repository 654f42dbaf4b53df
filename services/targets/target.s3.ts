// The target that is a bucket of an S3-compatible store.
// Takes away exact keys and versions only; how the store is spoken to, listed and explained is in the files beside it.
import { GetObjectCommand, HeadBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { StoredKey } from '../../events/cluster-events.js';
import { StepFailure } from '../snapshots/step-failure.js';
import { encryptionOf, openBucket, storageOf } from './bucket-client.s3.js';
import type { Bucket, BucketOptions } from './bucket-client.s3.js';
import { bucketChecks } from './bucket-check.s3.js';
import { statusOf } from './bucket-failure.s3.js';
import { abortUploads, clearKeys, deleteObjects, headObject, listedKeys, listedVersions } from './bucket-objects.s3.js';
import type { Asking } from './bucket-objects.s3.js';
import { allKeysAt, assertTargetKey, copyKeys, placePrefix } from './copy-keys.s3.js';
import type { CopySource } from './copy-source.js';
import { SourceEnded, uploadObject } from './copy-upload.s3.js';
import type { UploadedObject } from './copy-upload.s3.js';
import { manifestText } from './manifest.js';
import type { CopyPlace, StoredCopy, Target } from './target.js';

export interface S3TargetOptions extends BucketOptions {
  readonly targetId: string;
}

/** For taking away what a failed copy left, before the failure is told: a sweep does it later where this is not enough. */
const CLEAN_UP_MS = 30_000;

/** Opens nothing yet; connections and credentials are shared by all uses of the target. */
export function s3Target(options: S3TargetOptions): Target {
  const bucket = openBucket(options);
  const { folder } = options;
  return {
    targetId: options.targetId,
    storedOn: null,
    preflight: () => bucket.attempt('PREFLIGHT', `Asking for the bucket s3://${bucket.name}`, async () => {
      await bucket.client().send(new HeadBucketCommand({ Bucket: bucket.name }));
    }),
    spoolFolder: () => Promise.resolve(null),
    store: (place, source, signal) => storeCopy(bucket, place, source, signal),
    read: async (key) => {
      assertTargetKey(folder, key.key, 'READ');
      return readObject(bucket, key);
    },
    remove: async (keys) => {
      for (const { key } of keys) assertTargetKey(folder, key, 'REMOVE');
      await bucket.attempt('REMOVE', `Removing ${keys.map((key) => locationOf(bucket, key.key)).join(', ')}`, () => deleteObjects(bucket, keys));
    },
    present: async (keys) => {
      for (const { key } of keys) assertTargetKey(folder, key, 'READ');
      const doing = `Looking for ${keys.map((key) => locationOf(bucket, key.key)).join(', ')}`;
      const found = await bucket.attempt('READ', doing, () => Promise.all(keys.map((key) => headObject(bucket, key))));
      return !found.includes(null);
    },
    sweep: async (place) => {
      const [keys, prefix] = [allKeysAt(folder, place, 'REMOVE'), placePrefix(folder, place)];
      return bucket.attempt('REMOVE', `Clearing ${locationOf(bucket, prefix)}`, () => clearKeys(bucket, prefix, keys));
    },
    check: (signal) => bucketChecks(bucket, signal),
  };
}

async function storeCopy(bucket: Bucket, place: CopyPlace, source: CopySource, signal: AbortSignal): Promise<StoredCopy> {
  const keys = copyKeys(bucket.folder, place, source.encoding, 'COMMIT');
  await endedBy(signal, (asking) => assertNothingAt(bucket, place, asking));
  const written = [keys.database];
  try {
    const location = locationOf(bucket, keys.database);
    const uploaded = await upload(bucket, keys.database, source, signal);
    const database = await endedBy(signal, (asking) => assertWhole(bucket, keys.database, uploaded, asking));
    const { manifest, sha256 } = await source.verified();
    if (source.encoding.length === 0 && uploaded.sha256 !== sha256) throw otherBytes(location);
    const stored = { file: keys.databaseName, size: uploaded.size, sha256: uploaded.sha256, encoding: source.encoding };
    signal.throwIfAborted();
    const manifestKey = await bucket.attempt('COMMIT', `Storing ${locationOf(bucket, keys.manifest)}`,
      () => putNew(bucket, keys.manifest, Buffer.from(manifestText({ ...manifest, stored })), () => written.push(keys.manifest)));
    await cleanUp((asking) => abortUploads(bucket, [keys.database], asking));
    const all = await withEarlierVersions(bucket, placePrefix(bucket.folder, place), [database, manifestKey]);
    return { keys: all, location, storedSize: uploaded.size, storedSha256: uploaded.sha256 };
  } catch (error) {
    await cleanUp((asking) => clearKeys(bucket, placePrefix(bucket.folder, place), written, asking));
    throw error;
  }
}

/** What was verified is the file; what was sent was read from it once more. */
function otherBytes(location: string): StepFailure {
  return new StepFailure('COMMIT', 'HASH_MISMATCH', `What was sent to ${location} is not what was verified: check this machine's disk and memory.`);
}

/** An upload that was begun twice because the first answer was lost would stay for ever; what has failed is told without waiting for more. */
async function cleanUp(work: (asking: Asking) => Promise<unknown>): Promise<void> {
  await work({ abortSignal: AbortSignal.timeout(CLEAN_UP_MS) }).catch(() => undefined);
}

/**
 * A put whose answer was lost is sent again: what the first one stored is a version beneath, and would be current again once ours is removed.
 * Without them where versions cannot be listed.
 */
async function withEarlierVersions(bucket: Bucket, prefix: string, current: readonly StoredKey[]): Promise<readonly StoredKey[]> {
  if (current.every(({ versionId }) => versionId === null)) return current;
  const listed = await listedVersions(bucket, prefix, { abortSignal: AbortSignal.timeout(CLEAN_UP_MS) }).catch(() => []);
  const earlier = listed.filter(({ key, versionId }) => versionId !== null
    && current.some((own) => own.key === key) && !current.some((own) => own.key === key && own.versionId === versionId));
  return [...current, ...earlier];
}

/** The signal's own reason, where that ended the request. */
async function endedBy<T>(signal: AbortSignal, ask: (asking: Asking) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await ask({ abortSignal: signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

async function assertNothingAt(bucket: Bucket, place: CopyPlace, asking: Asking): Promise<void> {
  const prefix = placePrefix(bucket.folder, place);
  const taken = new Set(allKeysAt(bucket.folder, place, 'COMMIT'));
  const found = await bucket.attempt('COMMIT', `Listing ${locationOf(bucket, prefix)}`, () => listedKeys(bucket, prefix, asking));
  const copy = found.find((key) => taken.has(key));
  if (copy !== undefined) throw copyExists(bucket, copy);
}

/** Failures of the source and of the signal come out as they went in. */
async function upload(bucket: Bucket, key: string, source: CopySource, signal: AbortSignal): Promise<UploadedObject> {
  const target = { Key: key, ...encryptionOf(bucket.settings), ...storageOf(bucket.settings) };
  try {
    return await uploadObject(bucket, target, source, signal);
  } catch (error) {
    throw error instanceof SourceEnded ? error.cause : await bucket.failure('COMMIT', `Storing ${locationOf(bucket, key)}`, error);
  }
}

async function assertWhole(bucket: Bucket, key: string, { size, versionId }: UploadedObject, asking: Asking): Promise<StoredKey> {
  const location = locationOf(bucket, key);
  const found = await bucket.attempt('COMMIT', `Looking at ${location}`, () => headObject(bucket, { key, versionId }, asking));
  if (found?.ContentLength !== size) {
    const said = found === null ? 'that it is not there' : String(found.ContentLength);
    throw new StepFailure('COMMIT', 'STORE_FAILED', `${location} should have ${size} bytes, and the store says ${said}: `
      + 'it does not keep what it confirmed. Ask whoever runs it.');
  }
  return { key, versionId: versionId ?? found.VersionId ?? null };
}

/** On a store without conditional puts the key is looked at just before. `sent` is called before anything of ours can be there. */
async function putNew(bucket: Bucket, key: string, body: Buffer, sent: () => void): Promise<StoredKey> {
  const params = { Bucket: bucket.name, Key: key, Body: body, ContentType: 'application/json', ...encryptionOf(bucket.settings) };
  const client = bucket.client();
  try {
    const { VersionId } = await client.send(new PutObjectCommand({ ...params, IfNoneMatch: '*' }));
    return { key, versionId: VersionId ?? null };
  } catch (error) {
    if (statusOf(error) !== 412 && !isNotImplemented(error)) {
      sent();
      throw error;
    }
    if (statusOf(error) === 412) return ownObject(bucket, key, body);
  }
  if (await headObject(bucket, { key, versionId: null }) !== null) throw copyExists(bucket, key);
  sent();
  const { VersionId } = await client.send(new PutObjectCommand(params));
  return { key, versionId: VersionId ?? null };
}

/** What is there is ours where an earlier try of the same put succeeded and only its answer was lost. */
async function ownObject(bucket: Bucket, key: string, body: Buffer): Promise<StoredKey> {
  const { Body, VersionId } = await bucket.client().send(new GetObjectCommand({ Bucket: bucket.name, Key: key }));
  if (!body.equals(await buffer(readableOf(Body)))) throw copyExists(bucket, key);
  return { key, versionId: VersionId ?? null };
}

async function readObject(bucket: Bucket, { key, versionId }: StoredKey): Promise<Readable> {
  const doing = `Reading ${locationOf(bucket, key)}`;
  const command = new GetObjectCommand({ Bucket: bucket.name, Key: key, ...(versionId === null ? {} : { VersionId: versionId }) });
  const { Body } = await bucket.attempt('READ', doing, () => bucket.client().send(command));
  const pieces = async function* (): AsyncGenerator<Buffer> {
    const body: AsyncIterator<Buffer> = readableOf(Body)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await bucket.attempt('READ', doing, () => body.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await body.return?.();
    }
  };
  return Readable.from(pieces(), { objectMode: false, highWaterMark: 1024 * 1024 });
}

function readableOf(body: GetObjectCommandOutput['Body']): Readable {
  if (body instanceof Readable) return body;
  throw new Error('the SDK gave an answer whose body is no stream of Node');
}

function copyExists(bucket: Bucket, key: string): StepFailure {
  return new StepFailure('COMMIT', 'COPY_EXISTS', `${locationOf(bucket, key)} exists already and is never written over. `
    + 'The next attempt has a place of its own.');
}

const locationOf = (bucket: Bucket, key: string): string => `s3://${bucket.name}/${key}`;

function isNotImplemented(error: unknown): boolean {
  return statusOf(error) === 501 || (error instanceof Error && error.name === 'NotImplemented');
}
