// Sources of copies for tests: whole at once, or fed, verified and refused as the test says. Not spools: see services/snapshots.
import { createHash } from 'node:crypto';
import type { StepFailure } from '../snapshots/step-failure.js';
import { untilTrue } from '../../test/eventual-fact.js';
import type { CopySource, VerifiedFile } from './copy-source.js';

export interface HeldSource extends CopySource {
  /** More bytes have come. */
  feed(bytes: Buffer): void;
  /** All has come, and is what etcd sent. */
  verify(): void;
  /** What came is not valid. */
  refuse(failure: StepFailure): void;
  /** Bytes that were handed out in the latest `read`. */
  readBytes(): number;
}

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export function verifiedFile(bytes: Buffer): VerifiedFile {
  return {
    size: bytes.length, sha256: sha256Of(bytes),
    manifest: {
      version: 1, snapkeepVersion: '0.1.0', clusterId: 'prod', snapshotId: 'prod.01JDC', name: '2026-11-23T10-00-00Z-a', part: 'any', attempt: 1,
      takenAt: '2026-11-23T10:00:00.000Z', etcdVersion: '3.4.23', member: '8e9e05c52164694d', revision: 42, keyCount: 41,
      databaseSize: Math.max(0, bytes.length - 32), sha256: 'a'.repeat(64),
    },
  };
}

/** Nothing has come yet. `file`: one that holds what will be fed. */
export function heldSource(expectedSize: number, options: Partial<Pick<CopySource, 'encoding' | 'file'>> = {}): HeldSource {
  const pieces: Buffer[] = [];
  const end = Promise.withResolvers<VerifiedFile>();
  end.promise.catch(() => undefined);
  let settled = false;
  let grown = Promise.withResolvers<void>();
  let given = 0;
  const wake = (): void => {
    grown.resolve();
    grown = Promise.withResolvers();
  };
  const settle = (how: () => void): void => {
    settled = true;
    how();
    wake();
  };
  async function* read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    given = 0;
    const aborted = new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
    for (let at = 0; ;) {
      signal.throwIfAborted();
      const piece = pieces[at];
      if (piece !== undefined) {
        at += 1;
        given += piece.length;
        yield piece;
      } else if (settled) {
        await end.promise;
        return;
      } else {
        await Promise.race([grown.promise, aborted]);
      }
    }
  }
  return {
    expectedSize, encoding: options.encoding ?? [], file: options.file ?? null, read,
    verified: () => end.promise,
    feed(bytes) {
      pieces.push(bytes);
      wake();
    },
    verify: () => settle(() => end.resolve(verifiedFile(Buffer.concat(pieces)))),
    refuse: (failure) => settle(() => end.reject(failure)),
    readBytes: () => given,
  };
}

/** All is there, in pieces of a megabyte, and verified. */
export function wholeSource(bytes: Buffer, options: Parameters<typeof heldSource>[1] = {}): CopySource {
  const source = heldSource(bytes.length, options);
  for (let at = 0; at < bytes.length; at += 1_048_576) source.feed(bytes.subarray(at, at + 1_048_576));
  source.verify();
  return source;
}

/** Resolves once the source was read as far as it was fed. */
export async function readUpTo(source: HeldSource, bytes: number): Promise<void> {
  await untilTrue(`${bytes} bytes are read`, () => source.readBytes() >= bytes);
}
