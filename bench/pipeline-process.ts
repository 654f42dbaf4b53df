// A process of its own that does one piece of work for each message: a snapshot by Snapkeep's pipeline, or a part of one to compare with.
// Its argument is what to work with, as JSON. Without the service around it: see service-snapshot.ts for that.
import { Upload } from '@aws-sdk/lib-storage';
import { S3Client } from '@aws-sdk/client-s3';
import { createReadStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Encoding } from '../events/target-events.js';
import { plainEncoding } from '../events/target-events.js';
import { connectEtcd } from '../services/etcd/etcd-client.js';
import type { Lease } from '../services/snapshots/attempt-lease.js';
import { readAndStore } from '../services/snapshots/copied-read.js';
import type { CopiedReadParts } from '../services/snapshots/copied-read.js';
import type { OpenPart } from '../services/snapshots/open-work.js';
import { createSpoolRoom } from '../services/snapshots/spool-room.js';
import { partSizeFor, partsAtOnce } from '../services/targets/copy-upload.s3.js';
import { localTarget } from '../services/targets/target.local.js';
import { s3Target } from '../services/targets/target.s3.js';
import { openTargetRoots } from '../services/targets/target-roots.js';
import type { Target } from '../services/targets/target.js';
import { peakMemory } from './process-usage.js';
import type { BenchBucket } from './snapshot-ground.js';

export interface PipelineSetup {
  readonly endpoint: string;
  /** Empty, for this process alone. */
  readonly folder: string;
  readonly bucket: BenchBucket | null;
  /** Of the target 's3-encoded'. */
  readonly encoding: Encoding;
}

export type Work =
  | { readonly kind: 'snapshot'; readonly targets: readonly ('local' | 's3' | 's3-encoded')[] }
  | { readonly kind: 'read' }
  | { readonly kind: 'upload'; readonly file: string };

/** The answer to one message. */
export interface WorkDone {
  readonly ms: number;
  /** Of the snapshot. */
  readonly bytes: number;
  readonly peakBytes: number;
}

interface Done {
  readonly bytes: number;
  /** Takes away what was stored. */
  readonly discard: () => Promise<void>;
}

const setup = JSON.parse(process.argv[2] ?? '') as PipelineSetup;
const { endpoint, folder, bucket } = setup;
const [root, spoolFolder] = [join(folder, 'target'), join(folder, 'spool')];
for (const made of [root, spoolFolder]) mkdirSync(made);
const etcd = connectEtcd({ endpoints: [endpoint], ca: null, clientCertificate: null, clientKey: null, username: null, password: null });
const { signal } = new AbortController();
const targets = new Map<string, Target>();
targets.set('local', localTarget({ targetId: 'local', nodeId: 'bench', root, roots: openTargetRoots(join(folder, 'target-roots.json')) }));
if (bucket !== null) for (const targetId of ['s3', 's3-encoded']) targets.set(targetId, s3Target({ targetId, folder: `${targetId}/`, ...bucket }));

const openTarget = async (targetId: string): Promise<Target> => {
  const target = targets.get(targetId);
  if (target === undefined) throw new Error(`there is no target ${targetId}`);
  return target;
};
const openForWriting = async (targetId: string) =>
  ({ target: await openTarget(targetId), encoding: targetId === 's3-encoded' ? setup.encoding : plainEncoding });
const parts: CopiedReadParts = {
  places: { openTarget, openForWriting, spoolFolder, snapkeepVersion: 'bench', onDefect: () => undefined },
  spools: createSpoolRoom(null), idleTimeoutMs: 60_000, stallMs: 300_000, now: () => new Date().toISOString(),
};
let round = 0;

/** As a worker takes one, but that nothing is recorded. */
async function takeSnapshot(targetIds: readonly string[]): Promise<Done> {
  round += 1;
  const part: OpenPart = {
    clusterId: 'bench', snapshotId: `bench.${round}`, name: `round-${round}`, part: 'any', targetIds,
    attempt: 1, claimedBy: 'bench', leaseMs: 30_000, sign: { revision: 0, seenAt: 0 }, tried: [], notBefore: 0, openSince: 0,
  };
  const lease: Lease = {
    attempt: 1, targetIds, lost: signal, note: () => undefined, renew: async () => undefined,
    recordTaken: async () => null, recordFailed: async () => null, release: () => undefined,
  };
  const { facts, copies, failedCopies } = await readAndStore(parts, { part, lease, signal }, etcd, await etcd.status(endpoint));
  if (failedCopies.length > 0) throw new Error(`a copy failed: ${JSON.stringify(failedCopies)}`);
  const discard = async (): Promise<void> => {
    for (const { targetId, keys } of copies) await (await openTarget(targetId)).remove(keys);
  };
  return { bytes: facts.dbSize, discard };
}

async function readOnly(): Promise<Done> {
  let bytes = 0;
  for await (const piece of await etcd.openSnapshot(endpoint, { signal, idleTimeoutMs: 60_000 })) bytes += piece.length;
  return { bytes, discard: async () => undefined };
}

/** From disk, with parts as large and as many at once as the pipeline's. */
async function uploadOnly(file: string): Promise<Done> {
  if (bucket === null) throw new Error('there is no bucket to upload to');
  const client = new S3Client({
    endpoint: bucket.settings.endpoint ?? '', region: 'us-east-1', credentials: bucket.keys, forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const key = 's3/upload.db';
  const body = createReadStream(file, { highWaterMark: 1024 * 1024 });
  const partSize = partSizeFor(0);
  await new Upload({ client, partSize, queueSize: partsAtOnce(partSize), params: { Bucket: bucket.bucket, Key: key, Body: body } }).done();
  client.destroy();
  return { bytes: body.bytesRead, discard: async () => (await openTarget('s3')).remove([{ key, versionId: null }]) };
}

function run(work: Work): Promise<Done> {
  if (work.kind === 'read') return readOnly();
  return work.kind === 'upload' ? uploadOnly(work.file) : takeSnapshot(work.targets);
}

async function answer(work: Work): Promise<void> {
  const began = performance.now();
  const { bytes, discard } = await run(work);
  const done: WorkDone = { ms: performance.now() - began, bytes, peakBytes: peakMemory(process.pid) };
  await discard();
  process.send?.(done);
}

process.on('message', (work: Work) => {
  answer(work).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.once('disconnect', () => etcd.close());
process.send?.('ready');
