// Tries everything that a backup to a bucket needs, one check after the other, and takes away what it put there.
// How errors are explained is in bucket-failure.s3.ts; the network's part of the checks is in endpoint-check.s3.ts.
import {
  CreateMultipartUploadCommand, GetObjectCommand, HeadBucketCommand, PutObjectCommand, UploadPartCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import type { FailureStep } from '../../events/error-codes.js';
import { encryptionOf, storageOf } from './bucket-client.s3.js';
import type { Bucket } from './bucket-client.s3.js';
import { credentialsSource } from './bucket-credentials.s3.js';
import { explainBucketError } from './bucket-failure.s3.js';
import { abortUpload, clearKeys, deleteObjects, listedKeys, listedVersions, openUploads } from './bucket-objects.s3.js';
import { CheckFailed, checkClock, checkConnection, checkName, checkTls } from './endpoint-check.s3.js';
import type { TargetCheck } from './target-check.js';

const CLEAN_UP_MS = 30_000;

interface Probe {
  readonly bucket: Bucket;
  readonly asking: { readonly abortSignal: AbortSignal };
  /** Of the keys of this run alone. */
  readonly prefix: string;
  readonly object: string;
  readonly unfinished: string;
  readonly bytes: Buffer;
  versionId: string | null;
}

interface Step {
  readonly name: string;
  /** Without which it makes no sense; they come before it. */
  readonly needs: readonly string[];
  /** What was found. */
  readonly run: (probe: Probe) => Promise<string | null>;
  readonly step?: FailureStep;
}

const STEPS: readonly Step[] = [
  { name: 'name resolves', needs: [], run: ({ bucket }) => checkName(bucket) },
  { name: 'connects', needs: ['name resolves'], run: ({ bucket, asking }) => checkConnection(bucket, asking.abortSignal) },
  { name: 'TLS trusted', needs: ['connects'], run: ({ bucket, asking }) => checkTls(bucket, asking.abortSignal) },
  { name: 'clock', needs: ['TLS trusted'], run: ({ bucket, asking }) => checkClock(bucket, asking.abortSignal) },
  { name: 'credentials', needs: ['TLS trusted'], run: findCredentials },
  { name: 'bucket exists', needs: ['credentials'], run: findBucket },
  { name: 'region right', needs: ['bucket exists'], run: compareRegion },
  { name: 'put', needs: ['bucket exists', 'region right'], run: putObject },
  { name: 'get', needs: ['put'], run: getObject },
  { name: 'list', needs: ['put'], run: listObject },
  { name: 'multipart', needs: ['bucket exists', 'region right'], run: tryMultipart },
  { name: 'delete', needs: ['put'], run: deleteObject, step: 'REMOVE' },
  { name: 'nothing left behind', needs: ['list', 'delete'], run: findNothing },
];

/** Never rejects. After the signal nothing more is tried; what was put there is still taken away, so that no put is broken off. */
export async function bucketChecks(bucket: Bucket, signal: AbortSignal): Promise<readonly TargetCheck[]> {
  const prefix = `${bucket.folder}.snapkeep-check/${randomBytes(8).toString('hex')}/`;
  const [object, unfinished] = [`${prefix}object`, `${prefix}multipart`];
  const probe: Probe = { bucket, asking: { abortSignal: signal }, prefix, object, unfinished, bytes: randomBytes(4096), versionId: null };
  const checks: TargetCheck[] = [];
  for (const step of STEPS) checks.push(await checkOf(step, probe, checks));
  if (failed(checks, 'nothing left behind')) {
    await clearKeys(bucket, prefix, [object, unfinished], { abortSignal: AbortSignal.timeout(CLEAN_UP_MS) }).catch(() => undefined);
  }
  return checks;
}

async function checkOf({ name, needs, run, step }: Step, probe: Probe, before: readonly TargetCheck[]): Promise<TargetCheck> {
  if (probe.asking.abortSignal.aborted) return { name, ok: false, message: 'not tried: the test was stopped', remedy: 'Test the target again.' };
  const missing = needs.find((need) => failed(before, need));
  if (missing !== undefined) return { name, ok: false, message: `not tried: it needs '${missing}'`, remedy: `Mend '${missing}' first.` };
  try {
    return { name, ok: true, message: await run(probe), remedy: null };
  } catch (error) {
    if (error instanceof CheckFailed) return { name, ok: false, message: error.message, remedy: error.remedy };
    const { bucket } = probe;
    const { what, remedy } = explainBucketError(step ?? 'PREFLIGHT', `The check '${name}'`, await bucket.reason(error), bucket.context());
    return { name, ok: false, message: what, remedy };
  }
}

const failed = (checks: readonly TargetCheck[], name: string): boolean => checks.some((check) => check.name === name && !check.ok);

/** Only whether the store knows them: what they may do is told by the checks that do it. */
async function findCredentials({ bucket, asking }: Probe): Promise<string> {
  const source = await credentialsSource(bucket.client(), bucket.context().ownKeys);
  try {
    await bucket.client().send(new HeadBucketCommand({ Bucket: bucket.name }), asking);
  } catch (error) {
    const spoken = await bucket.reason(error);
    if (explainBucketError('PREFLIGHT', '', spoken, bucket.context()).code === 'CREDENTIALS_REFUSED') throw spoken;
  }
  return `from ${source}`;
}

/** A bucket of another region exists as well: that is told by the next check. */
async function findBucket({ bucket, asking }: Probe): Promise<string> {
  try {
    await bucket.client().send(new HeadBucketCommand({ Bucket: bucket.name }), asking);
  } catch (error) {
    if (explainBucketError('PREFLIGHT', '', error, bucket.context()).code !== 'REGION_WRONG') throw error;
  }
  return `'${bucket.name}' is there`;
}

async function compareRegion({ bucket, asking }: Probe): Promise<string> {
  const used = await bucket.region();
  const { BucketRegion: said } = await bucket.client().send(new HeadBucketCommand({ Bucket: bucket.name }), asking);
  if (said !== undefined && said !== used) {
    throw new CheckFailed(`the bucket is in ${said}, and the target says ${used}`, `Set the target's region to ${said}, or to none.`);
  }
  return bucket.settings.region === null ? `${used} (discovered)` : used;
}

async function putObject(probe: Probe): Promise<null> {
  const { bucket, object, bytes } = probe;
  const command = new PutObjectCommand({ Bucket: bucket.name, Key: object, Body: bytes, ...encryptionOf(bucket.settings) });
  probe.versionId = (await bucket.client().send(command)).VersionId ?? null;
  return null;
}

async function getObject({ bucket, object, bytes, asking }: Probe): Promise<null> {
  const { Body } = await bucket.client().send(new GetObjectCommand({ Bucket: bucket.name, Key: object }), asking);
  if (!(Body instanceof Readable) || !bytes.equals(await buffer(Body))) {
    throw new CheckFailed('what was read is not what was put', 'The store or a proxy before it changes objects: look there.');
  }
  return null;
}

async function listObject({ bucket, prefix, object, asking }: Probe): Promise<null> {
  if ((await listedKeys(bucket, prefix, asking)).includes(object)) return null;
  throw new CheckFailed('the listing lacks the object that was put', 'The store lists late or another account: look there.');
}

/** Asks for the storage class too, which is paid for only where an upload is completed. */
async function tryMultipart({ bucket, unfinished: key, bytes }: Probe): Promise<null> {
  const at = { Bucket: bucket.name, Key: key };
  const command = new CreateMultipartUploadCommand({ ...at, ...encryptionOf(bucket.settings), ...storageOf(bucket.settings) });
  const { UploadId } = await bucket.client().send(command);
  if (UploadId === undefined) throw new CheckFailed('the store began an upload without naming it', 'It does not speak S3 in full: use another.');
  await bucket.client().send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: bytes }));
  await abortUpload(bucket, { key, uploadId: UploadId });
  return null;
}

async function deleteObject({ bucket, object, versionId, asking }: Probe): Promise<string | null> {
  await deleteObjects(bucket, [{ key: object, versionId }], asking);
  return versionId === null ? null : 'by version: the bucket keeps versions';
}

async function findNothing({ bucket, prefix, unfinished, asking }: Probe): Promise<null> {
  const objects = await listedVersions(bucket, prefix, asking);
  const uploads = await openUploads(bucket, unfinished, asking);
  if (objects.length + uploads.length === 0) return null;
  throw new CheckFailed(`left below ${prefix}: ${objects.length} objects, ${uploads.length} unfinished uploads`,
    'Allow deleting objects with their versions and aborting uploads, and remove what is left there.');
}
