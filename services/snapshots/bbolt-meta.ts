// bbolt's two meta pages: which of them is valid and newest, and what it says of the database.
// Does not look at any other page.
import type { FileHandle } from 'node:fs/promises';
import { PAGE_FLAG, PAGE_HEADER_SIZE, pageHeader, readUInt64, structureInvalid } from './bbolt-page.js';

export interface Meta {
  readonly pageSize: number;
  readonly rootPage: number;
  /** `null` where the freelist is not kept, as etcd has it. */
  readonly freelistPage: number | null;
  /** High-water mark: the number of pages in use or once in use. */
  readonly pageCount: number;
  readonly transaction: bigint;
}

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const META_SIZE = 64;
const CHECKSUM_AT = 56;
const NO_FREELIST = 0xffff_ffff_ffff_ffffn;
const SMALLEST_PAGE = 512;
const LARGEST_PAGE = 65_536;

/** The valid meta with the higher transaction. bbolt's second meta may stand at any page size if the first is damaged. */
export async function readMeta(file: FileHandle, fileSize: number): Promise<Meta> {
  const findings: string[] = [];
  const attempt = async (index: number, position: number): Promise<Meta | null> => {
    const found = await metaAt(file, index, position);
    if (typeof found !== 'string') return found;
    findings.push(`meta ${index} at byte ${position} ${found}`);
    return null;
  };
  const first = await attempt(0, 0);
  const seconds = first === null ? pageSizes() : [first.pageSize];
  const metas = first === null ? [] : [first];
  for (const pageSize of seconds) {
    const second = await attempt(1, pageSize);
    if (second?.pageSize === pageSize) metas.push(second);
  }
  const newest = metas.sort((a, b) => (a.transaction < b.transaction ? 1 : -1))[0];
  if (newest === undefined) throw structureInvalid(0, `no valid meta page (${findings.slice(0, 2).join('; ')})`);
  assertSize(newest, fileSize);
  return newest;
}

/** What is wrong with it, or the meta. */
async function metaAt(file: FileHandle, index: number, position: number): Promise<Meta | string> {
  const page = Buffer.alloc(PAGE_HEADER_SIZE + META_SIZE);
  const { bytesRead } = await file.read(page, 0, page.length, position);
  if (bytesRead < page.length) return 'is missing';
  const header = pageHeader(page);
  const meta = page.subarray(PAGE_HEADER_SIZE);
  if (header.id !== index) return `carries the id ${header.id}`;
  if (header.flags !== PAGE_FLAG.meta) return `has the flags 0x${header.flags.toString(16)}`;
  if (meta.readUInt32LE(0) !== MAGIC) return 'has no bbolt magic';
  if (meta.readUInt32LE(4) !== VERSION) return `is of version ${meta.readUInt32LE(4)}, not ${VERSION}`;
  if (meta.readBigUInt64LE(CHECKSUM_AT) !== fnv1a64(meta.subarray(0, CHECKSUM_AT))) return 'fails its checksum';
  const freelist = meta.readBigUInt64LE(32);
  return {
    pageSize: meta.readUInt32LE(8),
    rootPage: readUInt64(meta, 16),
    freelistPage: freelist === NO_FREELIST ? null : Number(freelist),
    pageCount: readUInt64(meta, 40),
    transaction: meta.readBigUInt64LE(48),
  };
}

function assertSize({ pageSize, pageCount }: Meta, fileSize: number): void {
  if (!pageSizes().includes(pageSize)) throw structureInvalid(0, `the page size ${pageSize} is not one of bbolt's`);
  if (fileSize % pageSize !== 0) throw structureInvalid(0, `${fileSize} bytes are no whole number of pages of ${pageSize}`);
  if (pageCount * pageSize > fileSize) {
    throw structureInvalid(0, `it says ${pageCount} pages of ${pageSize} bytes, but the database has only ${fileSize} bytes`);
  }
}

function pageSizes(): number[] {
  const sizes: number[] = [];
  for (let size = SMALLEST_PAGE; size <= LARGEST_PAGE; size *= 2) sizes.push(size);
  return sizes;
}

function fnv1a64(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
