import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifiedFile } from '../targets/copy-source.fixture.js';
import { type GrowingSpool, createSpool } from './growing-spool.js';
import { StepFailure } from './step-failure.js';

const content = Buffer.alloc(5_000_000, 'spooled');
const never = new AbortController().signal;

let folder: string;
let readers: AsyncIterator<Uint8Array>[] = [];
let spooling: GrowingSpool;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spool-'));
  spooling = await createSpool(join(folder, 'a.spool'), content.length);
});
afterEach(async () => {
  for (const reader of readers) await reader.return?.();
  readers = [];
  await spooling.close();
  await rm(folder, { recursive: true });
});

async function write(from: number, to: number): Promise<void> {
  await spooling.handle.write(content, from, to - from, from);
  spooling.grew(to);
}

/** Hands out what was read so far, piece by piece. */
function reading(signal = never) {
  const pieces = spooling.source.read(signal)[Symbol.asyncIterator]();
  readers.push(pieces);
  const take = async (bytes: number): Promise<Buffer> => {
    const taken: Uint8Array[] = [];
    for (let size = 0; size < bytes;) {
      const { value, done } = await pieces.next();
      if (done === true) throw new Error(`it ended after ${size} of ${bytes} bytes`);
      taken.push(Buffer.from(value));
      size += value.length;
    }
    return Buffer.concat(taken);
  };
  return { take, next: () => pieces.next() };
}

test('two readers follow the writer, each at its own pace, to the same bytes', async () => {
  const [fast, slow] = [reading(), reading()];
  await write(0, 1_500_000);
  expect((await fast.take(1_500_000)).equals(content.subarray(0, 1_500_000))).toBe(true);
  const waiting = fast.next();
  await write(1_500_000, content.length);
  expect(await waiting).toMatchObject({ done: false, value: { length: 1_048_576 } });
  expect((await slow.take(content.length)).equals(content)).toBe(true);
});

test('a reader that has everything ends only once it is verified', async () => {
  await write(0, content.length);
  const reader = reading();
  await reader.take(content.length);
  const ended: string[] = [];
  const end = reader.next().then(() => ended.push('ended'));
  spooling.grew(content.length);
  expect(await stat(spooling.source.file)).toMatchObject({ size: content.length });
  expect(ended).toEqual([]);
  spooling.verified(verifiedFile(content));
  await end;
  expect(await spooling.source.verified()).toMatchObject({ size: content.length });
});

test('what is refused fails every reader with that very error, also one that comes late', async () => {
  const failure = new StepFailure('VERIFY', 'HASH_MISMATCH', 'not what etcd sent');
  await write(0, 10);
  const early = reading();
  await early.take(10);
  const waiting = early.next();
  spooling.failed(failure);
  await expect(waiting).rejects.toBe(failure);
  const late = reading();
  await late.take(10);
  await expect(late.next()).rejects.toBe(failure);
  await expect(spooling.source.verified()).rejects.toBe(failure);
});

test('a reader that is cancelled while it waits ends at once', async () => {
  const cancelling = new AbortController();
  const reader = reading(cancelling.signal);
  const waiting = reader.next();
  const reason = new Error('no longer wanted');
  cancelling.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test('the file is its owner\'s alone and goes once', async () => {
  expect((await stat(spooling.source.file)).mode & 0o777).toBe(0o600);
  await spooling.discard();
  await spooling.discard();
  expect(await readdir(folder)).toEqual([]);
});
