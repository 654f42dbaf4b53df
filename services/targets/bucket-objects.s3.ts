// What a bucket holds at exact keys, old versions and unfinished uploads included, and taking exactly that away.
// Lists by prefix and compares whole keys: a neighbour whose name only begins alike is never touched.
import {
  AbortMultipartUploadCommand, DeleteObjectCommand, HeadBucketCommand, HeadObjectCommand, ListMultipartUploadsCommand, ListObjectVersionsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { StoredKey } from '../../events/cluster-events.js';
import type { Bucket } from './bucket-client.s3.js';
import { statusOf } from './bucket-failure.s3.js';
import { manifestsFirst } from './copy-keys.s3.js';

/** For the SDK: what ends the request. */
export interface Asking {
  readonly abortSignal?: AbortSignal;
}
interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
}

/** Those of the keys that an ordinary listing shows. */
export async function listedKeys(bucket: Bucket, prefix: string, asking: Asking = {}): Promise<string[]> {
  const found: string[] = [];
  for (let token: string | undefined; ;) {
    const command = new ListObjectsV2Command({ Bucket: bucket.name, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) });
    const page = await bucket.client().send(command, asking);
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) found.push(Key);
    if (page.IsTruncated !== true || page.NextContinuationToken === undefined) return found;
    token = page.NextContinuationToken;
  }
}

/** Every version and delete marker below the prefix; where the store keeps no versions or shows none, what there is. */
export async function listedVersions(bucket: Bucket, prefix: string, asking: Asking = {}): Promise<StoredKey[]> {
  try {
    return await allVersions(bucket, prefix, asking);
  } catch (error) {
    // Not every store knows versions, and not every policy lets them be listed.
    if (![400, 403, 405, 501].includes(statusOf(error))) throw error;
    return (await listedKeys(bucket, prefix, asking)).map((key) => ({ key, versionId: null }));
  }
}

async function allVersions(bucket: Bucket, prefix: string, asking: Asking): Promise<StoredKey[]> {
  const found: StoredKey[] = [];
  for (let from = {}; ;) {
    const page = await bucket.client().send(new ListObjectVersionsCommand({ Bucket: bucket.name, Prefix: prefix, ...from }), asking);
    for (const { Key, VersionId } of [...page.Versions ?? [], ...page.DeleteMarkers ?? []]) {
      if (Key !== undefined) found.push({ key: Key, versionId: VersionId ?? null });
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return found;
    from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}

/** Of exactly this key. By the whole key as prefix: some stores find uploads by nothing shorter. */
export async function openUploads(bucket: Bucket, key: string, asking: Asking = {}): Promise<OpenUpload[]> {
  const found: OpenUpload[] = [];
  for (let from = {}; ;) {
    const page = await bucket.client().send(new ListMultipartUploadsCommand({ Bucket: bucket.name, Prefix: key, ...from }), asking);
    for (const { Key, UploadId } of page.Uploads ?? []) if (Key === key && UploadId !== undefined) found.push({ key, uploadId: UploadId });
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return found;
    from = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}

/** False where it had ended already. */
export async function abortUpload(bucket: Bucket, { key, uploadId }: OpenUpload, asking: Asking = {}): Promise<boolean> {
  try {
    await bucket.client().send(new AbortMultipartUploadCommand({ Bucket: bucket.name, Key: key, UploadId: uploadId }), asking);
    return true;
  } catch (error) {
    if (statusOf(error) !== 404 || (error instanceof Error && error.name === 'NoSuchBucket')) throw error;
    return false;
  }
}

/** The manifests first. What is gone already is gone. */
export async function deleteObjects(bucket: Bucket, keys: readonly StoredKey[], asking: Asking = {}): Promise<void> {
  for (const { key, versionId } of [...keys].sort(manifestsFirst)) {
    const command = new DeleteObjectCommand({ Bucket: bucket.name, Key: key, ...(versionId === null ? {} : { VersionId: versionId }) });
    await bucket.client().send(command, asking).catch((error: unknown) => {
      if (error instanceof Error && ['NoSuchKey', 'NoSuchVersion'].includes(error.name)) return;
      throw error;
    });
  }
}

/** Null where there is no such object. Rejects where there is no such bucket: then nothing is known of what it held. */
export async function headObject(bucket: Bucket, { key, versionId }: StoredKey, asking: Asking = {}): Promise<HeadObjectCommandOutput | null> {
  const command = new HeadObjectCommand({ Bucket: bucket.name, Key: key, ...(versionId === null ? {} : { VersionId: versionId }) });
  try {
    return await bucket.client().send(command, asking);
  } catch (error) {
    // 405: the newest of it is a delete marker.
    if (![404, 405].includes(statusOf(error))) throw error;
  }
  await bucket.client().send(new HeadBucketCommand({ Bucket: bucket.name }), asking).catch(async (error: unknown) => {
    throw await bucket.reason(error);
  });
  return null;
}

/** Takes away everything at exactly these keys below the prefix: objects, versions, markers, unfinished uploads. Gives their number. */
export async function clearKeys(bucket: Bucket, prefix: string, keys: readonly string[], asking: Asking = {}): Promise<number> {
  const wanted = new Set(keys);
  const objects = (await listedVersions(bucket, prefix, asking)).filter(({ key }) => wanted.has(key));
  await deleteObjects(bucket, objects, asking);
  return objects.length + await abortUploads(bucket, keys, asking);
}

/** Of exactly these keys, all that are unfinished. Gives their number. */
export async function abortUploads(bucket: Bucket, keys: readonly string[], asking: Asking = {}): Promise<number> {
  const uploads = (await Promise.all(keys.map((key) => openUploads(bucket, key, asking)))).flat();
  let aborted = 0;
  for (const upload of uploads) aborted += Number(await abortUpload(bucket, upload, asking));
  return aborted;
}
