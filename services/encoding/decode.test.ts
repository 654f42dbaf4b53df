// Decoding of stored copies: back to the bytes, or a failure that says what to do. Never a good end for a part of them.
import { describe, expect, test } from '@jest/globals';
import { plainEncoding } from '../../events/target-events.js';
import { decode } from './decode.js';
import { encode } from './encode.js';
import { allOf, firstOf, inPieces, mixedBytes } from './encoding-tools.fixture.js';

const compressed = (bytes: Buffer): Promise<Buffer> =>
  allOf(encode(inPieces(bytes), { ...plainEncoding, compression: 'ZSTD' }, new AbortController().signal));
const damaged = { name: 'StepFailure', step: 'READ', code: 'ENCODING_FAILED', message: expect.stringContaining('Use another copy') };

describe('a decoded copy', () => {
  test.each([0, 1, 131_072, 3_000_001])('of %d bytes is what was compressed', async (size) => {
    const bytes = mixedBytes(size);
    expect((await allOf(decode(inPieces(await compressed(bytes)), ['zstd']))).equals(bytes)).toBe(true);
  });

  test('of a plain one is the same bytes', async () => {
    const bytes = mixedBytes(100_000);
    expect((await allOf(decode(inPieces(bytes), []))).equals(bytes)).toBe(true);
  });

  test.each([
    [['age'] as const, 'age -d -i key.txt snapshot.db.age > snapshot.db'],
    [['zstd', 'age'] as const, 'age -d -i key.txt snapshot.db.zst.age | zstd -d > snapshot.db'],
  ])('after %j is refused with the command that decodes it', async (steps, command) => {
    await expect(allOf(decode(inPieces(mixedBytes(10)), steps))).rejects.toMatchObject({
      name: 'StepFailure', step: 'READ', code: 'COPY_ENCRYPTED', message: expect.stringContaining(command),
    });
  });
});

describe('a damaged copy', () => {
  test.each([1, 5, 1000, 100_000])('that lacks its last %d bytes is a failure', async (lost) => {
    const whole = await compressed(mixedBytes(500_000));
    await expect(allOf(decode(inPieces(whole.subarray(0, -lost)), ['zstd']))).rejects.toMatchObject(damaged);
  });

  test('that is empty is a failure', async () => {
    await expect(allOf(decode(inPieces(Buffer.alloc(0)), ['zstd']))).rejects.toMatchObject(damaged);
  });

  test('with a changed byte is a failure', async () => {
    const whole = await compressed(mixedBytes(500_000));
    whole.writeUInt8(whole.readUInt8(100_000) ^ 1, 100_000);
    await expect(allOf(decode(inPieces(whole), ['zstd']))).rejects.toMatchObject(damaged);
  });

  test('that is not compressed at all is a failure', async () => {
    await expect(allOf(decode(inPieces(mixedBytes(10_000)), ['zstd']))).rejects.toMatchObject(damaged);
  });

  test('whose store fails in between gives that very failure', async () => {
    const failure = new Error('the store went away');
    const whole = await compressed(mixedBytes(500_000));
    async function* failing(): AsyncGenerator<Uint8Array, void, void> {
      yield whole.subarray(0, 100_000);
      throw failure;
    }
    await expect(allOf(decode(failing(), ['zstd']))).rejects.toBe(failure);
  });

  test('that is left early leaves the store\'s stream', async () => {
    const whole = await compressed(mixedBytes(2_000_000));
    const left = Promise.withResolvers<void>();
    async function* watched(): AsyncGenerator<Uint8Array, void, void> {
      try {
        for (;;) yield whole.subarray(0, 100_000);
      } finally {
        left.resolve();
      }
    }
    expect((await firstOf(decode(watched(), ['zstd'])))?.length).toBeGreaterThan(0);
    await left.promise;
  });
});
