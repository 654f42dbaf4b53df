// The database of one copy on its way into a bucket: sent in parts at the bucket's pace, and hashed as it goes.
// Leaves unfinished uploads to whoever called it: what must be taken away after a failure is decided in target.s3.ts.
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Bucket } from './bucket-client.s3.js';
import { objectParts } from './copy-parts.s3.js';
import type { CopySource } from './copy-source.js';

const MIB = 1024 * 1024;
const SMALLEST_PART = 8 * MIB;
/** Of the 10,000 that S3 allows, so that a file may be longer than was expected. */
const PARTS_PLANNED = 9_000;
const PARTS_AT_ONCE = 3;
/** Of parts that are under way at once. */
const MEMORY_BYTES = 32 * MIB;

export interface UploadedObject {
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly versionId: string | null;
}

/** What made the upload fail where it was not the store: to be thrown as it is. */
export class SourceEnded extends Error {
  override readonly name = 'SourceEnded';

  constructor(override readonly cause: unknown) {
    super('the source of the copy ended with an error');
  }
}

/** Bytes of a part, a whole number of MiB. */
export function partSizeFor(expectedSize: number): number {
  return Math.max(SMALLEST_PART, Math.ceil(expectedSize / PARTS_PLANNED / MIB) * MIB);
}

export function partsAtOnce(partSize: number): number {
  return Math.max(1, Math.min(PARTS_AT_ONCE, Math.floor(MEMORY_BYTES / partSize)));
}

/**
 * The object is there only once the source has ended well. Rejects with SourceEnded where the source failed or the signal ended it,
 * else with the SDK's error. Then neither what the source still holds nor the other parts are waited for, but a beginning or an end
 * that is under way is, since it may still take effect.
 */
export async function uploadObject(
  bucket: Bucket, target: Omit<PutObjectCommandInput, 'Bucket' | 'Body'>, source: CopySource, signal: AbortSignal,
): Promise<UploadedObject> {
  const end = firstFailure();
  const ended = AbortSignal.any([signal, end.signal]);
  const hash = createHash('sha256');
  let size = 0;
  const partSize = partSizeFor(source.expectedSize);
  const parts = objectParts(bucket.clientEndedBy(ended), {
    object: { ...target, Bucket: bucket.name }, partSize, atOnce: partsAtOnce(partSize), onFailure: (error) => end.fail(error),
  });
  try {
    for await (const piece of pieces(source.read(ended), end)) {
      hash.update(piece);
      size += piece.length;
      await parts.add(piece);
    }
    return { size, sha256: hash.digest('hex'), versionId: await parts.complete() };
  } catch (error) {
    end.fail(error);
    const failure = end.failure();
    throw signal.aborted && !(failure instanceof SourceEnded) ? new SourceEnded(signal.reason) : failure;
  }
}

interface FirstFailure {
  readonly signal: AbortSignal;
  /** Ends everything with the first; later ones are only what follows from it. */
  fail(error: unknown): void;
  failure(): unknown;
}

function firstFailure(): FirstFailure {
  const stop = new AbortController();
  let failure: unknown;
  return {
    signal: stop.signal,
    fail: (error) => {
      failure ??= error;
      stop.abort(error);
    },
    failure: () => failure,
  };
}

async function* pieces(source: AsyncIterable<Uint8Array>, end: FirstFailure): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    end.fail(new SourceEnded(error));
    throw error;
  }
}
