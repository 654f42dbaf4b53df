// Walks the tree of one bucket in the order of its keys and checks every page of it on the way.
// Does not descend into the buckets it finds among the elements: it hands them back.
import { keyOrder } from './bbolt-order.js';
import type { KeyOrder } from './bbolt-order.js';
import {
  BUCKET_HEADER_SIZE, PAGE_FLAG, PAGE_HEADER_SIZE,
  branchElement, elementTableEnd, leafElement, pageHeader, readUInt64, structureInvalid,
} from './bbolt-page.js';
import type { Bounds, LeafElement, PageHeader } from './bbolt-page.js';
import type { PageReader } from './bbolt-reader.js';

export interface FoundBucket {
  readonly name: string;
  /** Zero for an inline bucket, which was checked where it lies. */
  readonly root: number;
  readonly inline: TreeFacts | null;
}

export interface TreeFacts {
  readonly keyCount: number;
  readonly lastKey: Buffer | null;
  readonly buckets: readonly FoundBucket[];
}

interface Walk {
  readonly reader: PageReader;
  readonly order: KeyOrder;
  readonly buckets: FoundBucket[];
  readonly signal: AbortSignal | undefined;
  keyCount: number;
}

interface Page {
  readonly id: number | string;
  readonly header: PageHeader;
  /** From the page's start; may end before its overflow does. */
  readonly bytes: Buffer;
  readonly bounds: Bounds;
}

/** Far above what bbolt builds: four levels hold a thousand million keys. */
const DEEPEST = 32;

export async function walkTree(reader: PageReader, root: number, signal?: AbortSignal): Promise<TreeFacts> {
  const walk: Walk = { reader, order: keyOrder(), buckets: [], signal, keyCount: 0 };
  const [bytes] = await reader.pages([root], 0);
  if (bytes !== undefined) await walkPage(walk, root, bytes, 1);
  return { keyCount: walk.keyCount, lastKey: walk.order.lastKey(), buckets: walk.buckets };
}

async function walkPage(walk: Walk, id: number, bytes: Buffer, level: number): Promise<void> {
  const header = pageHeader(bytes);
  if (header.id !== id) throw structureInvalid(id, `it carries the id ${header.id}`);
  walk.reader.claim(id, header.overflow);
  const size = (header.overflow + 1) * walk.reader.pageSize;
  const bounds = { from: elementTableEnd(id, header.count, size), limit: size };
  const whole = bounds.from <= bytes.length ? bytes : await walk.reader.bytes(id, 0, bounds.from);
  const page = { id, header, bytes: whole, bounds };
  if (header.flags === PAGE_FLAG.leaf) return walkLeaf(walk, page);
  if (header.flags !== PAGE_FLAG.branch) {
    throw structureInvalid(id, `its flags are 0x${header.flags.toString(16)}, neither branch nor leaf`);
  }
  return walkBranch(walk, { ...page, id }, level);
}

async function walkBranch(walk: Walk, page: Page & { readonly id: number }, level: number): Promise<void> {
  if (level > DEEPEST) throw structureInvalid(page.id, `the tree is deeper than ${DEEPEST} levels`);
  if (page.header.count === 0) throw structureInvalid(page.id, 'the branch has no elements');
  for (let from = 0; from < page.header.count; from += walk.reader.batch) {
    walk.signal?.throwIfAborted();
    const to = Math.min(from + walk.reader.batch, page.header.count);
    await walkChildren(walk, page, { from, to, level });
  }
}

async function walkChildren(
  walk: Walk,
  page: Page & { readonly id: number },
  { from, to, level }: { readonly from: number; readonly to: number; readonly level: number },
): Promise<void> {
  const elements = Array.from({ length: to - from }, (_, i) => branchElement(page.id, page.bytes, from + i, page.bounds));
  const pages = await walk.reader.pages(elements.map(({ child }) => child), level);
  for (const [i, { child, keyStart, keySize }] of elements.entries()) {
    const key = await keyBytes(walk, page, keyStart, keySize);
    if (!walk.order.branch(key.bytes, key.start, keySize)) throw outOfOrder(page.id, from + i);
    const bytes = pages[i];
    if (bytes !== undefined) await walkPage(walk, child, bytes, level + 1);
  }
}

async function walkLeaf(walk: Walk, page: Page): Promise<void> {
  for (let i = 0; i < page.header.count; i += 1) {
    const element = leafElement(page.id, page.bytes, i, page.bounds);
    const { keyStart, keySize } = element;
    const key = keyStart + keySize <= page.bytes.length ? page : await keyBytes(walk, page, keyStart, keySize);
    const start = key === page ? keyStart : 0;
    if (!walk.order.next(key.bytes, start, keySize)) throw outOfOrder(page.id, i);
    if (element.isBucket) walk.buckets.push(await foundBucket(walk, page, element, i));
  }
  walk.keyCount += page.header.count;
  walk.order.settle();
}

async function keyBytes(walk: Walk, page: Page, start: number, size: number): Promise<{ bytes: Buffer; start: number }> {
  if (start + size <= page.bytes.length) return { bytes: page.bytes, start };
  return { bytes: await elementBytes(walk, page, start, size), start: 0 };
}

async function elementBytes(walk: Walk, page: Page, start: number, size: number): Promise<Buffer> {
  if (start + size <= page.bytes.length) return page.bytes.subarray(start, start + size);
  return walk.reader.bytes(Number(page.id), start, size);
}

async function foundBucket(walk: Walk, page: Page, element: LeafElement, index: number): Promise<FoundBucket> {
  const { keyStart, keySize, valueSize } = element;
  const name = (await elementBytes(walk, page, keyStart, keySize)).toString('latin1');
  if (valueSize < BUCKET_HEADER_SIZE) throw structureInvalid(page.id, `bucket '${name}' in element ${index} has no header`);
  const header = await elementBytes(walk, page, keyStart + keySize, BUCKET_HEADER_SIZE);
  const root = readUInt64(header, 0);
  if (root !== 0) return { name, root, inline: null };
  if (valueSize > BUCKET_HEADER_SIZE + walk.reader.pageSize) {
    throw structureInvalid(page.id, `the inline bucket '${name}' is larger than a page`);
  }
  const bytes = await elementBytes(walk, page, keyStart + keySize + BUCKET_HEADER_SIZE, valueSize - BUCKET_HEADER_SIZE);
  return { name, root, inline: inlineTree(`${page.id}, inline bucket '${name}'`, bytes) };
}

/** An inline bucket is one leaf page, numbered 0, inside a value. bbolt puts no further bucket into it. */
function inlineTree(id: string, bytes: Buffer): TreeFacts {
  if (bytes.length < PAGE_HEADER_SIZE) throw structureInvalid(id, 'it has no page header');
  const header = pageHeader(bytes);
  if (header.id !== 0 || header.flags !== PAGE_FLAG.leaf || header.overflow !== 0) {
    throw structureInvalid(id, `it carries id ${header.id} and flags 0x${header.flags.toString(16)}`);
  }
  const bounds = { from: elementTableEnd(id, header.count, bytes.length), limit: bytes.length };
  const order = keyOrder();
  for (let i = 0; i < header.count; i += 1) {
    const { isBucket, keyStart, keySize } = leafElement(id, bytes, i, bounds);
    if (isBucket) throw structureInvalid(id, 'it holds a bucket of its own');
    if (!order.next(bytes, keyStart, keySize)) throw outOfOrder(id, i);
  }
  return { keyCount: header.count, lastKey: order.lastKey(), buckets: [] };
}

function outOfOrder(page: number | string, index: number): Error {
  return structureInvalid(page, `the key of element ${index} is out of order`);
}
