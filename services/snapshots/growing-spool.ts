// The spool as copies see it: a file that grows, read behind its writer by any number of readers, each at its own pace.
// Writes nothing itself (spool.ts does); its readers' end comes only once somebody says that what came is valid.
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { CopySource, VerifiedFile } from '../targets/copy-source.js';
import { diskFailure } from './step-failure.js';

export interface GrowingSpool {
  /** For the writer. Closed by `close`. */
  readonly handle: FileHandle;
  /** For copies of it as it is. */
  readonly source: CopySource & { readonly file: string };
  /** So many bytes are in the file. */
  readonly grew: (bytes: number) => void;
  readonly size: () => number;
  /** All is there and valid: readers come to their end. */
  verified(file: VerifiedFile): void;
  /** It never will be valid: readers fail with this error. Without effect once it is verified. */
  failed(error: unknown): void;
  close(): Promise<void>;
  /** Takes the file away, which is nobody else's; may be called twice. */
  discard(): Promise<void>;
}

const BLOCK_BYTES = 1024 * 1024;

/** Makes the file, readable by its owner only; rejects if it exists. */
export async function createSpool(file: string, expectedSize: number): Promise<GrowingSpool> {
  const handle = await open(file, 'wx', 0o600);
  const end = Promise.withResolvers<VerifiedFile>();
  // Nobody need be reading when it fails.
  end.promise.catch(() => undefined);
  let size = 0;
  let ended = false;
  let change = Promise.withResolvers<void>();
  const changed = (): void => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const settle = (by: () => void): void => {
    by();
    ended = true;
    changed();
  };

  async function* blocks(reader: FileHandle, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const aborted = abortOf(signal);
    const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    for (let at = 0; ;) {
      signal.throwIfAborted();
      if (at < size) {
        const piece = await blockAt(reader, { file, position: at, block: block.subarray(0, size - at) });
        at += piece.length;
        yield piece;
      } else if (ended) {
        await end.promise;
        return;
      } else {
        await Promise.race([change.promise, aborted]);
      }
    }
  }
  async function* read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const reader = await open(file, 'r').catch((error: unknown) => { throw diskFailure('COMMIT', file, error); });
    try {
      yield* blocks(reader, signal);
    } finally {
      await reader.close();
    }
  }

  return {
    handle,
    source: { expectedSize, encoding: [], file, read, verified: () => end.promise },
    grew: (bytes) => {
      size = bytes;
      changed();
    },
    size: () => size,
    verified: (facts) => settle(() => end.resolve(facts)),
    failed: (error) => settle(() => end.reject(error)),
    close: () => handle.close(),
    discard: () => rm(file, { force: true }),
  };
}

async function blockAt(reader: FileHandle, { file, position, block }: { file: string; position: number; block: Buffer }): Promise<Uint8Array> {
  try {
    const { bytesRead } = await reader.read(block, 0, block.length, position);
    if (bytesRead === 0) throw new Error(`it ends at ${position}, though more was written to it`);
    return block.subarray(0, bytesRead);
  } catch (error) {
    throw diskFailure('COMMIT', file, error);
  }
}

/** Settles, never with an error, when the signal aborts. */
function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
}
