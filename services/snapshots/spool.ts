// Writes a stream of small pieces to a file in large blocks, hashing one block while the one before is being written.
// Holds two blocks and no more: whoever sends is paused while the disk is behind, for so long and no longer. Judges nothing of the content.
import type { FileHandle } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeAll } from '../targets/file-durability.js';
import { spoolHash } from './spool-hash.js';
import type { SpoolDigest } from './spool-hash.js';

export interface Spooled extends SpoolDigest {
  readonly fileSize: number;
}

const BLOCK_BYTES = 1024 * 1024;

/** The file an attempt spools into: of the attempt's folder alone, so that a sweep of the attempt finds it. */
export function spoolFile(spoolFolder: string, copyFolder: string): string {
  return join(spoolFolder, `${createHash('sha256').update(copyFolder).digest('hex').slice(0, 32)}.spool`);
}

/**
 * Reports the bytes that are in the file so far once a block. What is written is not synced. Rejects with the system's error, and with
 * ETIMEDOUT where the disk takes nothing for `stallMs`; what it was given may then still be on its way.
 */
export async function spool(
  pieces: AsyncIterable<Uint8Array>,
  file: Pick<FileHandle, 'write'>,
  { onWritten, stallMs }: { readonly onWritten: (bytes: number) => void; readonly stallMs: number },
): Promise<Spooled> {
  const hash = spoolHash();
  const blocks = blockWriter(file, stallMs);
  const take = async (block: Buffer): Promise<void> => {
    hash.update(block);
    onWritten(await blocks.write(block));
  };
  try {
    for await (const piece of pieces) {
      for (let rest = blocks.add(piece); rest !== null; rest = blocks.add(rest)) await take(blocks.full());
    }
    await take(blocks.full());
    const fileSize = await blocks.end();
    onWritten(fileSize);
    return { fileSize, ...hash.digest() };
  } finally {
    await blocks.settled();
  }
}

interface BlockWriter {
  /** Copies what fits into the current block; gives the rest, or null when all of it did. */
  add(piece: Uint8Array): Uint8Array | null;
  full(): Buffer;
  /** Waits for the block before, starts this one and turns to the next. Gives the bytes that are in the file. */
  write(block: Buffer): Promise<number>;
  end(): Promise<number>;
  settled(): Promise<unknown>;
}

function blockWriter(file: Pick<FileHandle, 'write'>, stallMs: number): BlockWriter {
  let [current, other] = [Buffer.allocUnsafeSlow(BLOCK_BYTES), Buffer.allocUnsafeSlow(BLOCK_BYTES)];
  let filled = 0;
  let position = 0;
  // The outcome of the write under way as a value: a rejection that nobody awaits yet would end the process.
  let writing: Promise<{ error: unknown } | null> = Promise.resolve(null);

  const finish = async (): Promise<void> => {
    const written = writing;
    // What is let go is not waited for again.
    writing = Promise.resolve(null);
    const failed = await inTime(written, stallMs);
    if (failed !== null) throw failed.error;
  };
  return {
    add: (piece) => {
      const taken = Math.min(piece.length, BLOCK_BYTES - filled);
      current.set(taken === piece.length ? piece : piece.subarray(0, taken), filled);
      filled += taken;
      return taken === piece.length ? null : piece.subarray(taken);
    },
    full: () => current.subarray(0, filled),
    write: async (block) => {
      await finish();
      const written = position;
      writing = writeAll(file, block, written).then(() => null, (error: unknown) => ({ error }));
      position += block.length;
      [current, other] = [other, current];
      filled = 0;
      return written;
    },
    end: async () => {
      await finish();
      return position;
    },
    settled: () => inTime(writing, stallMs).catch(() => undefined),
  };
}

async function inTime<T>(writing: Promise<T>, stallMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(Object.assign(new Error(`it took nothing for ${stallMs / 1000} s`), { code: 'ETIMEDOUT' }));
  }, stallMs);
  try {
    return await Promise.race([writing, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
