// The layout of bbolt's pages (github.com/etcd-io/bbolt, page.go and bucket.go): headers, elements, keys in order.
// Works on bytes already read, any page size, little endian as on every platform etcd supports; reads no file.
import { StepFailure } from './step-failure.js';

export const PAGE_HEADER_SIZE = 16;
export const ELEMENT_SIZE = 16;
export const BUCKET_HEADER_SIZE = 16;
export const PAGE_FLAG = { branch: 0x01, leaf: 0x02, meta: 0x04, freelist: 0x10 } as const;

export interface PageHeader {
  readonly id: number;
  readonly flags: number;
  readonly count: number;
  /** How many pages follow this one as its continuation. */
  readonly overflow: number;
}

/** Offsets count from the start of the page (of the value, for an inline bucket). */
export interface LeafElement {
  readonly isBucket: boolean;
  readonly keyStart: number;
  readonly keySize: number;
  readonly valueSize: number;
}

export interface BranchElement {
  readonly keyStart: number;
  readonly keySize: number;
  readonly child: number;
}

export function structureInvalid(page: number | string, finding: string): StepFailure {
  return new StepFailure(
    'VERIFY',
    'STRUCTURE_INVALID',
    `The database is damaged at page ${page}: ${finding}. Take one from another member, and check this one's disk.`,
  );
}

/** A page id or size of 64 bits; beyond 2^53 it loses digits, which no comparison with a file's size can notice. */
export function readUInt64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 0x1_0000_0000 + bytes.readUInt32LE(at);
}

export function pageHeader(bytes: Buffer, at = 0): PageHeader {
  return {
    id: readUInt64(bytes, at),
    flags: bytes.readUInt16LE(at + 8),
    count: bytes.readUInt16LE(at + 10),
    overflow: bytes.readUInt32LE(at + 12),
  };
}

/** The end of the element table, which must lie inside the page. */
export function elementTableEnd(page: number | string, count: number, size: number): number {
  const end = PAGE_HEADER_SIZE + count * ELEMENT_SIZE;
  if (end > size) throw structureInvalid(page, `${count} elements do not fit into its ${size} bytes`);
  return end;
}

export function leafElement(page: number | string, bytes: Buffer, index: number, bounds: Bounds): LeafElement {
  const at = PAGE_HEADER_SIZE + index * ELEMENT_SIZE;
  const flags = bytes.readUInt32LE(at);
  if (flags > 1) throw structureInvalid(page, `element ${index} has unknown flags 0x${flags.toString(16)}`);
  const keyStart = at + bytes.readUInt32LE(at + 4);
  const keySize = bytes.readUInt32LE(at + 8);
  const valueSize = bytes.readUInt32LE(at + 12);
  if (keyStart < bounds.from || keyStart + keySize + valueSize > bounds.limit) throw outside(page, index, bounds);
  return { isBucket: flags === 1, keyStart, keySize, valueSize };
}

export function branchElement(page: number, bytes: Buffer, index: number, bounds: Bounds): BranchElement {
  const at = PAGE_HEADER_SIZE + index * ELEMENT_SIZE;
  const keyStart = at + bytes.readUInt32LE(at);
  const keySize = bytes.readUInt32LE(at + 4);
  if (keyStart < bounds.from || keyStart + keySize > bounds.limit) throw outside(page, index, bounds);
  return { keyStart, keySize, child: readUInt64(bytes, at + 8) };
}

/** Where keys and values may lie: after the element table, before the end of the page with its overflow. */
export interface Bounds {
  readonly from: number;
  readonly limit: number;
}

function outside(page: number | string, index: number, { from, limit }: Bounds): StepFailure {
  return structureInvalid(page, `element ${index} lies outside the bytes ${from} to ${limit} of its page`);
}
