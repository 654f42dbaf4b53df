// The standard tools that people decode copies with, and bytes to encode, for tests. The tools are found on PATH (scripts/encoding-tools.mjs).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface AgeKey {
  readonly recipient: string;
  /** A file that `age -d -i` takes. */
  readonly identityFile: string;
}

export interface AgeKeys extends Disposable {
  make(): AgeKey;
}

/** Keys by age-keygen, in a folder that goes away with them. */
export function ageKeys(): AgeKeys {
  const folder = mkdtempSync(join(tmpdir(), 'snapkeep-age-'));
  let made = 0;
  return {
    make() {
      const identityFile = join(folder, `key-${made += 1}.txt`);
      run('age-keygen', ['-o', identityFile]);
      return { identityFile, recipient: run('age-keygen', ['-y', identityFile]).toString().trim() };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

export const ageDecrypted = (bytes: Buffer, key: AgeKey): Buffer => run('age', ['-d', '-i', key.identityFile], bytes);
export const zstdDecompressed = (bytes: Buffer): Buffer => run('zstd', ['-d', '-q', '-c'], bytes);

function run(program: string, args: readonly string[], input?: Buffer): Buffer {
  return execFileSync(program, args, { input: input ?? '', maxBuffer: 64 * 1024 * 1024, stdio: ['pipe', 'pipe', 'pipe'] });
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The same for the same size: stretches that compress well beside stretches that do not at all. */
export function mixedBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 0x2545f491;
  for (let at = 0; at < size; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const value = at % 65_536 < 24_576 ? state : at >>> 8;
    if (at + 4 <= size) bytes.writeInt32LE(value | 0, at);
    else bytes[at] = value & 0xff;
  }
  return bytes;
}

/** In pieces as etcd sends them. */
export async function* inPieces(bytes: Buffer, size = 32 * 1024): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function allOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(pieces));
}

/** What a reader gets that leaves after the first piece. */
export async function firstOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array | null> {
  const reader = pieces[Symbol.asyncIterator]();
  const { value, done } = await reader.next();
  await reader.return?.();
  return done === true ? null : value;
}
