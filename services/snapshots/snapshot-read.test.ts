import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EtcdError } from '../etcd/etcd.js';
import type { SnapshotStream } from '../etcd/etcd.js';
import { etcdDatabase } from './etcd-database.fixture.js';
import type { EtcdDatabase } from './etcd-database.fixture.js';
import { createSpool } from './growing-spool.js';
import { type SnapshotFacts, readSnapshot } from './snapshot-read.js';
import { spoolHash } from './spool-hash.js';
import { spool, spoolFile } from './spool.js';
import { diskFailure } from './step-failure.js';

let database: EtcdDatabase;
let whole: Buffer;
let file: string;

beforeAll(async () => {
  database = await etcdDatabase(20_000);
  whole = await readFile(database.file);
  file = join(database.folder, 'spool', 'a.spool');
  await mkdir(dirname(file));
});
afterEach(() => rm(file, { force: true }));
afterAll(() => database.dispose());

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x20;
  return copy;
};
const sealed = (bytes: Buffer): Buffer => Buffer.concat([bytes, createHash('sha256').update(bytes).digest()]);

/** In etcd's pieces of 32 KiB; `announced` is what a member says of the whole before it sends. */
function streamOf(bytes: Buffer, { announced = whole.length, fault = null as Error | null, pieceSize = 32_768 } = {}): SnapshotStream & { cancels: number } {
  return {
    totalBytes: announced,
    cancels: 0,
    cancel() { this.cancels += 1; },
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < bytes.length; at += pieceSize) yield bytes.subarray(at, at + pieceSize);
      if (fault !== null) throw fault;
    },
  };
}
/** Into a spool that is taken away again if it is refused. */
async function read(stream: SnapshotStream, signal = new AbortController().signal, onProgress = (_: number): void => undefined): Promise<SnapshotFacts> {
  const spooling = await createSpool(file, stream.totalBytes);
  try {
    return await readSnapshot(stream, spooling, { signal, onProgress, stallMs: 60_000 });
  } catch (error) {
    await spooling.discard();
    throw error;
  } finally {
    await spooling.close();
  }
}
const spooledFiles = (): Promise<string[]> => readdir(dirname(file));

test.each([32_768, 1, 5_000_000, 31, 1_048_577])('keeps what etcd sent, in pieces of %i bytes, and says what it is', async (pieceSize) => {
  const small = pieceSize < 100 ? sealedStart() : whole;
  const outcome = read(streamOf(small, { pieceSize, announced: small.length }));
  if (small !== whole) {
    // Too little of the database to be sound; its hash was accepted on the way there.
    await expect(outcome).rejects.toMatchObject({ step: 'VERIFY', code: 'STRUCTURE_INVALID' });
    return;
  }
  expect(await outcome).toEqual({
    databaseSize: whole.length - 32,
    fileSize: whole.length,
    sha256: whole.subarray(-32).toString('hex'),
    fileSha256: sha256(whole),
    keyCount: 20_001,
    revision: database.status.revision,
  });
  expect((await readFile(file)).equals(whole)).toBe(true);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});
const sealedStart = (): Buffer => sealed(whole.subarray(0, 8192));

test('tells the bytes as they come, up to the last', async () => {
  const bytes: number[] = [];
  await read(streamOf(whole), undefined, (so) => bytes.push(so));
  expect(bytes.length).toBeGreaterThan(2);
  expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
  expect(bytes.at(-1)).toBe(whole.length);
});

describe('what came damaged is refused and leaves no file', () => {
  test.each<[string, string, () => Buffer]>([
    ['a byte of a value flipped', 'HASH_MISMATCH', () => flipped(whole, whole.indexOf('xxxxxxxx') + 3)],
    ['a byte of a page header flipped', 'HASH_MISMATCH', () => flipped(whole, 5 * 4096 + 8)],
    ['the first byte flipped', 'HASH_MISMATCH', () => flipped(whole, 0)],
    ['a byte of the trailer flipped', 'HASH_MISMATCH', () => flipped(whole, whole.length - 1)],
    ['the trailer zeroed', 'HASH_MISMATCH', () => Buffer.concat([whole.subarray(0, -32), Buffer.alloc(32)])],
    ['the trailer stripped', 'TRAILER_MISSING', () => whole.subarray(0, -32)],
    ['half of the trailer missing', 'TRUNCATED', () => whole.subarray(0, -16)],
    ['the last 8 KiB missing', 'TRUNCATED', () => whole.subarray(0, -8192)],
    ['8 KiB missing before the trailer', 'TRUNCATED', () => Buffer.concat([whole.subarray(0, -8224), whole.subarray(-32)])],
    ['8 KiB missing in the middle', 'TRUNCATED', () => Buffer.concat([whole.subarray(0, 40_960), whole.subarray(49_152)])],
    ['nothing at all', 'TRUNCATED', () => Buffer.alloc(0)],
    ['a page id flipped on the disk of etcd, which hashes what it has', 'STRUCTURE_INVALID', () => sealed(withPageIdsFlipped(whole.subarray(0, -32)))],
    ['8 KiB missing on the disk of etcd', 'STRUCTURE_INVALID', () => Buffer.concat([sealed(whole.subarray(0, -8224)), Buffer.alloc(0)])],
  ])('%s: %s', async (name, code, damaged) => {
    const bytes = damaged();
    const announced = name.includes('disk of etcd') ? bytes.length : whole.length;
    const stream = streamOf(bytes, { announced });
    await expect(read(stream)).rejects.toMatchObject({ name: 'StepFailure', step: 'VERIFY', code });
    expect(await spooledFiles()).toEqual([]);
  });

  function withPageIdsFlipped(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    for (let page = 2; page * 4096 < copy.length; page += 1) copy.writeUInt32LE(page ^ 1, page * 4096);
    return copy;
  }
});

test('a stream that fails is a failure of STREAM with its own code, and leaves no file', async () => {
  const fault = new EtcdError('STREAM_BROKEN', 'the connection was cut after 5 bytes');
  await expect(read(streamOf(whole.subarray(0, 3_000_000), { fault }))).rejects.toMatchObject({
    step: 'STREAM', code: 'STREAM_BROKEN', message: fault.message,
  });
  expect(await spooledFiles()).toEqual([]);
});

test('a cancelled read ends a stream that stalls, and leaves no file', async () => {
  const abort = new AbortController();
  const stalled = Promise.withResolvers<IteratorResult<Uint8Array>>();
  let asked = 0;
  const stream: SnapshotStream = {
    totalBytes: whole.length,
    cancel: () => stalled.reject(new EtcdError('CANCELLED', 'cancelled')),
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        asked += 1;
        if (asked === 1) return { done: false, value: whole.subarray(0, 100_000) };
        abort.abort();
        return stalled.promise;
      },
    }),
  };
  await expect(read(stream, abort.signal)).rejects.toMatchObject({ step: 'STREAM', code: 'CANCELLED' });
  expect(await spooledFiles()).toEqual([]);
});

test('a spool that exists already is not written over', async () => {
  await read(streamOf(whole));
  await expect(createSpool(file, whole.length)).rejects.toMatchObject({ code: 'EEXIST' });
  expect((await readFile(file)).equals(whole)).toBe(true);
});

test('a full disk ends the spool, and is told as such', async () => {
  const full = await open('/dev/full', 'r+');
  const error: unknown = await spool(streamOf(whole), full, { onWritten: () => undefined, stallMs: 60_000 }).catch((reason: unknown) => reason);
  await full.close();
  expect(diskFailure('STREAM', '/dev/full', error)).toMatchObject({ step: 'STREAM', code: 'DISK_FULL', message: expect.stringContaining('/dev/full') });
});

test('a disk that takes nothing any more ends the spool, and is told as such', async () => {
  const hanging = { write: () => Promise.withResolvers<never>().promise };
  const error: unknown = await spool(streamOf(whole), hanging, { onWritten: () => undefined, stallMs: 100 }).catch((reason: unknown) => reason);
  expect(diskFailure('STREAM', '/mnt/nas/x.spool', error)).toMatchObject({
    step: 'STREAM', code: 'DISK_FAILED', message: expect.stringMatching(/\/mnt\/nas\/x\.spool failed: .*it took nothing for 0\.1 s/),
  });
});

test.each([1, 7, 31, 32, 33, 64, 1000])('the hash holds back exactly the trailer, in blocks of %i bytes', (size) => {
  const bytes = whole.subarray(0, 5000);
  const hash = spoolHash();
  for (let at = 0; at < bytes.length; at += size) hash.update(bytes.subarray(at, at + size));
  expect(hash.digest()).toEqual({
    databaseSha256: sha256(bytes.subarray(0, -32)), fileSha256: sha256(bytes), trailer: bytes.subarray(-32).toString('hex'),
  });
});

test('each attempt spools into a file of its own', () => {
  const names = ['a/b/1', 'a/b/2', 'a/b/n/1'].map((folder) => spoolFile('/spool', folder));
  expect(new Set(names).size).toBe(3);
  expect(names.every((name) => dirname(name) === '/spool')).toBe(true);
});
