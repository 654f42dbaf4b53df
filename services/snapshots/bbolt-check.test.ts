import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkDatabase } from './bbolt-check.js';
import { etcdDatabase } from './etcd-database.fixture.js';
import type { EtcdDatabase } from './etcd-database.fixture.js';

const PAGE = 4096;
const TWICE = /in use twice|out of order/;
let full: EtcdDatabase;
let empty: EtcdDatabase;
let whole: Buffer;

beforeAll(async () => {
  full = await etcdDatabase(12_000);
  empty = await etcdDatabase(0);
  whole = await readFile(full.file);
});
afterAll(async () => {
  await full.dispose();
  await empty.dispose();
});

test('agrees with etcdctl on the revision of a real database and counts the entries of its keys', async () => {
  const facts = await checkDatabase(full.file);
  expect(facts).toEqual({ keyCount: 12_001, revision: full.status.revision, pageSize: PAGE, databaseSize: whole.length - 32 });
  // etcdctl counts the elements of every bucket: etcd 3.4 keeps a handful of its own beside the keys.
  expect(full.status.totalKey - facts.keyCount).toBeGreaterThan(0);
  expect(full.status.totalKey - facts.keyCount).toBeLessThan(10);
});

test('an etcd without a key has none and no revision', async () => {
  expect(await checkDatabase(empty.file)).toMatchObject({ keyCount: 0, revision: empty.status.revision });
  expect(empty.status.revision).toBe(0);
});

test('stops when told to', async () => {
  const signal = AbortSignal.abort(new Error('told to stop'));
  await expect(checkDatabase(full.file, { signal })).rejects.toThrow('told to stop');
});

describe('a damaged database', () => {
  const invalid = (finding: RegExp) => ({ code: 'STRUCTURE_INVALID', message: expect.stringMatching(finding) });
  const flip = (bytes: Buffer, place: number): void => {
    bytes[place] = (bytes[place] ?? 0) ^ 1;
  };
  const at = (page: number, offset = 0): number => page * PAGE + offset;
  const metaPage = (bytes: Buffer): number => (bytes.readBigUInt64LE(at(0, 64)) > bytes.readBigUInt64LE(at(1, 64)) ? 0 : 1);
  const rootPage = (bytes: Buffer): number => Number(bytes.readBigUInt64LE(at(metaPage(bytes), 32)));
  /** The root of the bucket `key`: a branch, whose children are branches or leaves. */
  const keysRoot = (bytes: Buffer): number => {
    const root = rootPage(bytes);
    for (let i = 0; i < bytes.readUInt16LE(at(root, 10)); i += 1) {
      const element = at(root, 16 + 16 * i);
      const key = element + bytes.readUInt32LE(element + 4);
      const size = bytes.readUInt32LE(element + 8);
      if (bytes.toString('latin1', key, key + size) === 'key') return Number(bytes.readBigUInt64LE(key + size));
    }
    throw new Error("no bucket 'key'");
  };
  const child = (bytes: Buffer, branch: number, index: number): number =>
    Number(bytes.readBigUInt64LE(at(branch, 24 + 16 * index)));
  const leaf = (bytes: Buffer): number => {
    let page = keysRoot(bytes);
    while (bytes.readUInt16LE(at(page, 8)) === 1) page = child(bytes, page, 1);
    return page;
  };
  const more = (bytes: Buffer, place: number): void => {
    bytes.writeUInt16LE(bytes.readUInt16LE(place) + 1, place);
  };
  const swapKeys = (bytes: Buffer, page: number, header: { key: number; size: number }): void => {
    const place = (i: number): [number, number] => {
      const element = at(page, 16 + 16 * i);
      const start = element + bytes.readUInt32LE(element + header.key);
      return [start, start + bytes.readUInt32LE(element + header.size)];
    };
    const second = Buffer.from(bytes.subarray(...place(2)));
    bytes.copy(bytes, place(2)[0], ...place(1));
    second.copy(bytes, place(1)[0]);
  };

  test.each<[string, (bytes: Buffer) => void, RegExp]>([
    ['both meta pages fail their checksum', (b) => [0, 1].forEach((i) => flip(b, at(i, 72))), /checksum/],
    ['both meta pages have lost their magic', (b) => [0, 1].forEach((i) => b.writeUInt32LE(1, at(i, 16))), /magic/],
    ['a leaf carries another id', (b) => b.writeUInt32LE(3, at(leaf(b))), /carries the id 3/],
    ['a branch carries another id', (b) => b.writeUInt32LE(3, at(keysRoot(b))), /carries the id 3/],
    ['the root carries another id', (b) => b.writeUInt32LE(3, at(rootPage(b))), /carries the id/],
    ['a leaf has the flags of a freelist', (b) => b.writeUInt16LE(0x10, at(leaf(b), 8)), /flags are 0x10/],
    ['a leaf counts more elements than fit', (b) => b.writeUInt16LE(60_000, at(leaf(b), 10)), /elements do not fit/],
    ['a branch counts elements it has not', (b) => more(b, at(keysRoot(b), 10)), /page \d+/],
    ['a branch is empty', (b) => b.writeUInt16LE(0, at(keysRoot(b), 10)), /no elements/],
    ['a leaf overflows the file', (b) => b.writeUInt32LE(1_000_000, at(leaf(b), 12)), /overflow pages reach beyond/],
    ['an element lies outside its page', (b) => b.writeUInt32LE(100_000, at(leaf(b), 16 + 4)), /element 0 lies outside/],
    ['an element is larger than its page', (b) => b.writeUInt32LE(100_000, at(leaf(b), 16 + 12)), /element 0 lies outside/],
    ['an element has unknown flags', (b) => b.writeUInt32LE(8, at(leaf(b), 16)), /unknown flags/],
    ['a child lies outside the file', (b) => b.writeUInt32LE(10_000_000, at(keysRoot(b), 24)), /page 10000000: it is/],
    ['a child is a meta page', (b) => b.writeUInt32LE(1, at(keysRoot(b), 24)), /page 1: it is referred to/],
    ['two elements have one child', (b) => b.writeUInt32LE(child(b, keysRoot(b), 0), at(keysRoot(b), 40)), TWICE],
    ['a branch leads back to itself', (b) => b.writeUInt32LE(keysRoot(b), at(keysRoot(b), 24)), TWICE],
    ['two keys of a leaf have changed places', (b) => swapKeys(b, leaf(b), { key: 4, size: 8 }), /out of order/],
    ['two keys of a branch have changed places', (b) => swapKeys(b, keysRoot(b), { key: 0, size: 4 }), /out of order/],
    ['the bucket is called otherwise', (b) => b.write('kez', b.indexOf('key', at(rootPage(b), 16))), /no bucket 'key'/],
  ])('is refused when %s', async (_, damage, finding) => {
    const bytes = Buffer.from(whole);
    damage(bytes);
    const file = join(full.folder, 'damaged.db');
    await writeFile(file, bytes);
    await expect(checkDatabase(file)).rejects.toMatchObject({ step: 'VERIFY', ...invalid(finding) });
  });

  test('is refused when its last 8 KiB are missing', async () => {
    const file = join(full.folder, 'short.db');
    await writeFile(file, Buffer.concat([whole.subarray(0, -8192 - 32), whole.subarray(-32)]));
    await expect(checkDatabase(file)).rejects.toMatchObject(invalid(/has only/));
  });

  test('is refused when it is no database at all, or nothing', async () => {
    const file = join(full.folder, 'text.db');
    for (const bytes of [Buffer.alloc(0), Buffer.from('no database'), Buffer.alloc(1_000_000, 'x')]) {
      await writeFile(file, bytes);
      await expect(checkDatabase(file)).rejects.toMatchObject(invalid(/no valid meta page/));
    }
  });

  test.each([0, 1])('is read by its other meta page when meta page %i is damaged', async (index) => {
    const bytes = Buffer.from(whole);
    flip(bytes, at(index, 72));
    const file = join(full.folder, 'one-meta.db');
    await writeFile(file, bytes);
    expect(await checkDatabase(file)).toMatchObject({ keyCount: 12_001, revision: full.status.revision });
  });
});
