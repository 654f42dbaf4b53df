// One read of etcd: spools the stream, then proves that it is whole, unchanged and a sound database.
// The spool is its caller's, as is what becomes of it; stores nothing on any target.
import type { FileHandle } from 'node:fs/promises';
import { EtcdError } from '../etcd/etcd.js';
import type { SnapshotStream } from '../etcd/etcd.js';
import { checkDatabase } from './bbolt-check.js';
import type { GrowingSpool } from './growing-spool.js';
import { TRAILER_SIZE } from './spool-hash.js';
import { spool } from './spool.js';
import type { Spooled } from './spool.js';
import { StepFailure, diskFailure } from './step-failure.js';

export interface SnapshotFacts {
  /** Bytes, without the trailer. */
  readonly databaseSize: number;
  /** Bytes, with the trailer. */
  readonly fileSize: number;
  /** Hex, of the database: etcd's own trailer. */
  readonly sha256: string;
  /** Hex, of the file with its trailer, as `sha256sum` prints it. */
  readonly fileSha256: string;
  readonly keyCount: number;
  readonly revision: number;
}

export interface SnapshotRead {
  readonly signal: AbortSignal;
  /** Bytes so far, about once a megabyte. */
  readonly onProgress: (bytes: number) => void;
  /** How long the disk may take no byte. */
  readonly stallMs: number;
}

/** Rejects with a StepFailure and nothing else: of STREAM, or of VERIFY. Does not wait for a stream that will not end. */
export async function readSnapshot(stream: SnapshotStream, spooling: GrowingSpool, read: SnapshotRead): Promise<SnapshotFacts> {
  const { signal } = read;
  const cancel = (): void => stream.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const spooled = await received(stream, spooling, read);
    assertTrailer(spooled, stream.totalBytes);
    return await checked(spooling, spooled, signal);
  } catch (error) {
    stream.cancel();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

async function received(stream: SnapshotStream, { handle, grew, source: { file } }: GrowingSpool, read: SnapshotRead): Promise<Spooled> {
  const { signal, onProgress, stallMs } = read;
  const onWritten = (bytes: number): void => {
    grew(bytes);
    onProgress(bytes);
  };
  try {
    signal.throwIfAborted();
    const spooled = await spool(stream, handle, { onWritten, stallMs });
    signal.throwIfAborted();
    return spooled;
  } catch (error) {
    if (signal.aborted) throw cancelled('STREAM', error);
    if (error instanceof EtcdError) throw new StepFailure('STREAM', error.code, error.message, { cause: error });
    throw diskFailure('STREAM', file, error);
  }
}

async function checked({ handle, source: { file } }: GrowingSpool, spooled: Spooled, signal: AbortSignal): Promise<SnapshotFacts> {
  const databaseSize = spooled.fileSize - TRAILER_SIZE;
  try {
    const [{ keyCount, revision }] = await Promise.all([checkDatabase(file, { databaseSize, signal }), syncIfLinked(handle)]);
    const { fileSize, databaseSha256: sha256, fileSha256 } = spooled;
    return { databaseSize, fileSize, sha256, fileSha256, keyCount, revision };
  } catch (error) {
    if (signal.aborted) throw cancelled('VERIFY', error);
    throw diskFailure('VERIFY', file, error);
  }
}

/**
 * What becomes a copy on this disk need not be waited for at its commit: the disk writes while the processor checks. Without such a copy
 * the spool is taken away soon, and most of it was never written.
 */
async function syncIfLinked(handle: FileHandle): Promise<void> {
  const { nlink } = await handle.stat();
  if (nlink > 1) await handle.sync();
}

/** etcd's database is whole pages, the smallest of 512 bytes, and the trailer comes after them. */
function assertTrailer({ fileSize, trailer, databaseSha256 }: Spooled, totalBytes: number): void {
  const remedy = 'The snapshot is taken again; if it goes on, look for a proxy in between and check the disk of the member.';
  const refuse = (code: 'TRAILER_MISSING' | 'TRUNCATED' | 'HASH_MISMATCH', finding: string): StepFailure =>
    new StepFailure('VERIFY', code, `${finding}. ${remedy}`);
  if (fileSize % 512 === 0 && fileSize >= totalBytes - TRAILER_SIZE) {
    throw refuse('TRAILER_MISSING', `etcd's ${fileSize} bytes end without the SHA-256 that should follow the database`);
  }
  if (fileSize < totalBytes || fileSize % 512 !== TRAILER_SIZE) {
    throw refuse('TRUNCATED', `etcd announced ${totalBytes} bytes, and ${fileSize} came`);
  }
  if (trailer !== databaseSha256) {
    throw refuse('HASH_MISMATCH', `The database's SHA-256 is ${databaseSha256}, but its trailer says ${trailer}`);
  }
}

function cancelled(step: 'STREAM' | 'VERIFY', cause: unknown): StepFailure {
  const message = 'The snapshot was cancelled before it was verified, and nothing of it is kept.';
  return new StepFailure(step, 'CANCELLED', message, { cause });
}
