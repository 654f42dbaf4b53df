// Encoding of streams: what comes out is what the standard tools undo, and every way of ending ends the thread and the source.
// Real threads and real tools. Not the names and recipients (encoding.test.ts), nor whole sources (encoded-source.test.ts).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Encoding } from '../../events/target-events.js';
import { plainEncoding } from '../../events/target-events.js';
import { untilTrue } from '../../test/eventual-fact.js';
import { encode } from './encode.js';
import { ageDecrypted, ageKeys, allOf, firstOf, inPieces, mixedBytes, sha256Of, zstdDecompressed } from './encoding-tools.fixture.js';
import type { AgeKey, AgeKeys } from './encoding-tools.fixture.js';

const MIB = 1024 * 1024;
const never = new AbortController().signal;
const zstd: Encoding = { ...plainEncoding, compression: 'ZSTD' };
let keys: AgeKeys;
let ann: AgeKey;
let bob: AgeKey;

beforeAll(() => {
  keys = ageKeys();
  [ann, bob] = [keys.make(), keys.make()];
});
afterAll(() => keys[Symbol.dispose]());

const toAnn = (encoding: Encoding): Encoding => ({ ...encoding, ageRecipients: [ann.recipient] });
/** What holds a process open for its threads: those that run, and the ports to them. */
const openThreads = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

/** A source that never ends by itself, and knows how far it was read and whether it was left. */
function endless(pieceBytes = 64 * 1024) {
  const seen = { given: 0, left: false };
  async function* pieces(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (const piece = mixedBytes(pieceBytes); ; seen.given += piece.length) yield piece;
    } finally {
      seen.left = true;
    }
  }
  return { seen, pieces: pieces() };
}

describe('what comes out', () => {
  const sizes = [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 20 * MIB + 7];

  test.each(sizes)('of %d bytes, compressed and encrypted, "age -d | zstd -d" gives exactly those', async (size) => {
    const bytes = mixedBytes(size);
    const encoded = await allOf(encode(inPieces(bytes), toAnn(zstd), never));
    expect(sha256Of(zstdDecompressed(ageDecrypted(encoded, ann)))).toBe(sha256Of(bytes));
  });

  test.each(sizes)('of %d bytes, compressed only, "zstd -d" gives exactly those', async (size) => {
    const bytes = mixedBytes(size);
    expect(sha256Of(zstdDecompressed(await allOf(encode(inPieces(bytes), zstd, never))))).toBe(sha256Of(bytes));
  });

  test.each(sizes)('of %d bytes, encrypted only, "age -d" gives exactly those', async (size) => {
    const bytes = mixedBytes(size);
    expect(sha256Of(ageDecrypted(await allOf(encode(inPieces(bytes), toAnn(plainEncoding), never)), ann))).toBe(sha256Of(bytes));
  });

  test('is decrypted by each of several recipients alone', async () => {
    const bytes = mixedBytes(100_000);
    const encoded = await allOf(encode(inPieces(bytes), { ...zstd, ageRecipients: [ann.recipient, bob.recipient] }, never));
    for (const key of [ann, bob]) expect(zstdDecompressed(ageDecrypted(encoded, key)).equals(bytes)).toBe(true);
  });

  test('is not decrypted by another key', async () => {
    const encoded = await allOf(encode(inPieces(mixedBytes(1000)), toAnn(zstd), never));
    expect(() => ageDecrypted(encoded, bob)).toThrow(/no identity matched/);
  });

  test('carries a checksum, so that zstd finds a changed byte', async () => {
    const encoded = await allOf(encode(inPieces(Buffer.from('incompressible')), zstd, never));
    const at = encoded.indexOf('compress');
    encoded.write('C', at);
    expect(at).toBeGreaterThan(0);
    expect(() => zstdDecompressed(encoded)).toThrow(/checksum/i);
  });

  test('is smaller at a higher level', async () => {
    const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, at) => `/registry/pods/${(at * 7919) % 10_007}/${at % 97}`).join('\n'));
    const [fast, small] = await Promise.all([1, 19].map((compressionLevel) => allOf(encode(inPieces(bytes), { ...zstd, compressionLevel }, never))));
    expect(small?.length).toBeLessThan(fast?.length ?? 0);
  });

  test('comes in pieces of 64 KiB, the last one smaller, however small those that go in', async () => {
    const pieces = await Array.fromAsync(encode(inPieces(mixedBytes(300_000), 1000), toAnn(plainEncoding), never));
    expect(pieces.slice(0, -1).map((piece) => piece.length)).toEqual([65_536, 65_536, 65_536, 65_536]);
  });

  test('is what went in, where nothing is to be done', async () => {
    const pieces = [Buffer.from('a'), Buffer.from('b')];
    expect(await Array.fromAsync(encode(inPieces(Buffer.concat(pieces), 1), plainEncoding, never))).toEqual(pieces);
  });

  test('leaves the pieces of the source whole, for who else reads them', async () => {
    const piece = mixedBytes(65_536);
    const before = sha256Of(piece);
    await allOf(encode(inPieces(piece, piece.length), toAnn(zstd), never));
    expect(sha256Of(piece)).toBe(before);
  });
});

describe('a slow reader', () => {
  test('holds the source back within a few megabytes', async () => {
    const { seen, pieces } = endless();
    const encoded = encode(pieces, toAnn(plainEncoding), never);
    await encoded.next();
    let before = -1;
    await untilTrue('the source is not read any further', () => {
      const rests = seen.given === before;
      before = seen.given;
      return rests;
    });
    expect(seen.given).toBeLessThan(4 * MIB);
    await encoded.return();
  });
});

describe('an end before the end', () => {
  test.each([0, 1, 100])('by a failure of the source after %d pieces throws that very failure and never ends well', async (count) => {
    const failure = new Error('etcd went away');
    async function* failing(): AsyncGenerator<Uint8Array, void, void> {
      for (let at = 0; at < count; at += 1) yield mixedBytes(65_536);
      throw failure;
    }
    const open = openThreads();
    await expect(allOf(encode(failing(), toAnn(zstd), never))).rejects.toBe(failure);
    await untilTrue('the thread has ended', () => openThreads() <= open);
  });

  test('by the reader leaves the source and ends the thread', async () => {
    const open = openThreads();
    const { seen, pieces } = endless();
    expect((await firstOf(encode(pieces, toAnn(zstd), never)))?.length).toBeGreaterThan(0);
    await untilTrue('the source was left', () => seen.left);
    await untilTrue('the thread has ended', () => openThreads() <= open);
  });

  test('by the signal throws its reason, leaves the source and ends the thread', async () => {
    const open = openThreads();
    const { seen, pieces } = endless();
    const abort = new AbortController();
    const reason = new Error('stopped by hand');
    const encoded = encode(pieces, toAnn(zstd), abort.signal);
    await encoded.next();
    abort.abort(reason);
    await expect(allOf(encoded)).rejects.toBe(reason);
    await untilTrue('the source was left', () => seen.left);
    await untilTrue('the thread has ended', () => openThreads() <= open);
  });

  test('by the signal does not wait for a source that gives nothing', async () => {
    const abort = new AbortController();
    const asked = Promise.withResolvers<void>();
    async function* silent(): AsyncGenerator<Uint8Array, void, void> {
      asked.resolve();
      await Promise.withResolvers<void>().promise;
      yield Buffer.alloc(0);
    }
    const first = encode(silent(), zstd, abort.signal).next();
    await asked.promise;
    abort.abort(new Error('stopped by hand'));
    await expect(first).rejects.toThrow('stopped by hand');
  });

  test('by a signal given before starts nothing', async () => {
    const { seen, pieces } = endless();
    await expect(encode(pieces, zstd, AbortSignal.abort(new Error('stopped before'))).next()).rejects.toThrow('stopped before');
    expect(seen.given).toBe(0);
  });

  test('by the encoding itself is a failure that says what to check', async () => {
    const open = openThreads();
    const { seen, pieces } = endless();
    await expect(allOf(encode(pieces, { ...zstd, ageRecipients: ['age1notarecipient'] }, never))).rejects.toMatchObject({
      name: 'StepFailure', step: 'COMMIT', code: 'ENCODING_FAILED', message: expect.stringContaining('check the compression and the age recipients'),
    });
    await untilTrue('the source was left', () => seen.left);
    await untilTrue('the thread has ended', () => openThreads() <= open);
  });
});
