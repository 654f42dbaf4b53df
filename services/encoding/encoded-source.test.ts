// Sources that encode: what they say of themselves is what they give, and they end as the source behind them does.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { plainEncoding } from '../../events/target-events.js';
import type { Encoding } from '../../events/target-events.js';
import { StepFailure } from '../snapshots/step-failure.js';
import { heldSource, readUpTo, verifiedFile, wholeSource } from '../targets/copy-source.fixture.js';
import { encodedSource } from './encoded-source.js';
import { ageDecrypted, ageKeys, allOf, firstOf, mixedBytes, zstdDecompressed } from './encoding-tools.fixture.js';
import type { AgeKey, AgeKeys } from './encoding-tools.fixture.js';

const never = new AbortController().signal;
const zstd: Encoding = { ...plainEncoding, compression: 'ZSTD' };
let keys: AgeKeys;
let pair: readonly AgeKey[];

beforeAll(() => {
  keys = ageKeys();
  pair = [keys.make(), keys.make()];
});
afterAll(() => keys[Symbol.dispose]());

const toPair = (encoding: Encoding): Encoding => ({ ...encoding, ageRecipients: pair.map((key) => key.recipient) });

describe('an encoded source', () => {
  test('is the source itself where the encoding is plain', () => {
    const source = wholeSource(mixedBytes(10), { file: '/spool/a' });
    expect(encodedSource(source, plainEncoding)).toBe(source);
  });

  test('names its steps, has no file, and is verified as the source is', async () => {
    const bytes = mixedBytes(1000);
    const source = encodedSource(wholeSource(bytes, { file: '/spool/a' }), toPair(zstd));
    expect(source).toMatchObject({ encoding: ['zstd', 'age'], file: null });
    expect(await source.verified()).toEqual(verifiedFile(bytes));
  });

  test('may be read again, and decodes each time', async () => {
    const bytes = mixedBytes(200_000);
    const source = encodedSource(wholeSource(bytes), toPair(zstd));
    for (const key of pair) expect(zstdDecompressed(ageDecrypted(await allOf(source.read(never)), key)).equals(bytes)).toBe(true);
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 1_000_000])('of %d bytes that do not compress gives at most what it expects', async (size) => {
    const source = wholeSource(randomBytes(size));
    for (const encoding of [zstd, toPair(zstd)]) {
      const encoded = encodedSource(source, encoding);
      expect((await allOf(encoded.read(never))).length).toBeLessThanOrEqual(encoded.expectedSize);
    }
    const encrypted = encodedSource(source, toPair(plainEncoding));
    expect((await allOf(encrypted.read(never))).length).toBe(encrypted.expectedSize);
  });

  test('whose bytes are others at the second reading ends with an error, since the encoded ones would tell nobody', async () => {
    const source = wholeSource(mixedBytes(100_000));
    const changed = { ...source, verified: async () => verifiedFile(mixedBytes(99_999)) };
    await expect(allOf(encodedSource(changed, toPair(zstd)).read(never))).rejects.toMatchObject({ step: 'COMMIT', code: 'HASH_MISMATCH' });
  });

  test('that is refused at its end throws that very refusal', async () => {
    const source = heldSource(10);
    const refusal = new StepFailure('VERIFY', 'HASH_MISMATCH', 'The hash is another.');
    const all = allOf(encodedSource(source, toPair(zstd)).read(never));
    all.catch(() => undefined);
    source.feed(mixedBytes(100_000));
    await readUpTo(source, 100_000);
    source.refuse(refusal);
    await expect(all).rejects.toBe(refusal);
  });

  test('that is left while the source waits for bytes aborts the source', async () => {
    const held = heldSource(10);
    const aborted = Promise.withResolvers<void>();
    const source = encodedSource({
      ...held,
      read: (signal) => {
        signal.addEventListener('abort', () => aborted.resolve());
        return held.read(signal);
      },
    }, toPair(plainEncoding));
    held.feed(mixedBytes(200_000));
    expect((await firstOf(source.read(never)))?.length).toBe(65_536);
    await aborted.promise;
  });
});
