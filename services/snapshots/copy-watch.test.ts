import { expect, test } from '@jest/globals';
import { heldSource, readUpTo } from '../targets/copy-source.fixture.js';
import type { CopySource } from '../targets/copy-source.js';
import { watched } from './copy-watch.js';
import { StepFailure } from './step-failure.js';

const stallMs = 40;
const signal = new AbortController().signal;
const bytes = Buffer.from('database');

async function readAll(source: CopySource, until: AbortSignal): Promise<number> {
  let size = 0;
  for await (const piece of source.read(until)) size += piece.length;
  return size;
}

/** Resolves after several of the bounds, as the event loop counts time. */
function longerThanTheBound(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 4 * stallMs);
  return promise;
}

test('a source that is slow is no stall, whether it sends or is being verified', async () => {
  const source = heldSource(bytes.length);
  const stored = watched(source, { signal, stallMs }, readAll);
  await longerThanTheBound();
  source.feed(bytes);
  await readUpTo(source, bytes.length);
  await longerThanTheBound();
  source.verify();
  expect(await stored).toBe(bytes.length);
});

test('waiting for the verification alone, as a link does, is no stall', async () => {
  const source = heldSource(bytes.length);
  source.feed(bytes);
  const stored = watched(source, { signal, stallMs }, async (from) => (await from.verified()).size);
  await longerThanTheBound();
  source.verify();
  expect(await stored).toBe(bytes.length);
});

test('a store that takes nothing that is there is let go, and told so', async () => {
  const source = heldSource(bytes.length);
  source.feed(bytes);
  const told = Promise.withResolvers<unknown>();
  const stuck = watched(source, { signal, stallMs }, async (from, until) => {
    until.addEventListener('abort', () => told.resolve(until.reason));
    for await (const piece of from.read(until)) if (piece.length > 0) await Promise.withResolvers<never>().promise;
  });
  await expect(stuck).rejects.toMatchObject({ step: 'COMMIT', code: 'COPY_STALLED', message: expect.stringContaining('0.04 s') });
  expect(await told.promise).toBeInstanceOf(StepFailure);
});

test('a commit that does not end is let go', async () => {
  const source = heldSource(bytes.length);
  source.feed(bytes);
  source.verify();
  const stuck = watched(source, { signal, stallMs }, async (from, until) => {
    await readAll(from, until);
    await Promise.withResolvers<never>().promise;
  });
  await expect(stuck).rejects.toMatchObject({ code: 'COPY_STALLED' });
});

test('what the store fails with passes through, and a cancelled store sees its reason', async () => {
  const failure = new StepFailure('COMMIT', 'DISK_FULL', 'full');
  await expect(watched(heldSource(1), { signal, stallMs }, async () => { throw failure; })).rejects.toBe(failure);
  const cancelling = new AbortController();
  const cancelled = watched(heldSource(1), { signal: cancelling.signal, stallMs: 60_000 }, readAll);
  const reason = new Error('stop');
  cancelling.abort(reason);
  await expect(cancelled).rejects.toBe(reason);
});
