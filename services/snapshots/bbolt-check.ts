// Checks the structure of an etcd database file, every page that can be reached, and counts the keys of etcd's bucket 'key'.
// Values are not judged: that they are as etcd sent them is what the SHA-256 trailer proves.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { readMeta } from './bbolt-meta.js';
import type { Meta } from './bbolt-meta.js';
import { PAGE_FLAG, pageHeader, structureInvalid } from './bbolt-page.js';
import { pageReader } from './bbolt-reader.js';
import type { PageReader } from './bbolt-reader.js';
import { walkTree } from './bbolt-tree.js';
import type { FoundBucket, TreeFacts } from './bbolt-tree.js';

export interface DatabaseFacts {
  /** Entries of the bucket 'key': one for each revision of each key that is not compacted. */
  readonly keyCount: number;
  /** The main revision of the last entry; 0 when there is none. */
  readonly revision: number;
  readonly pageSize: number;
  /** Bytes, without the trailer. */
  readonly databaseSize: number;
}

export interface CheckOptions {
  readonly databaseSize?: number;
  readonly signal?: AbortSignal;
}

/** bbolt's limit for keys is 32 KiB; etcd's keys here are `main_sub` and, for a deletion, a 't': 17 or 18 bytes. */
const REVISION_SIZES = [17, 18];
const UNDERSCORE = 0x5f;

/**
 * Reads the first `databaseSize` bytes of the file as a bbolt database (default: up to etcd's trailer, where there is one).
 * Never holds the event loop for longer than one batch of pages takes. Throws a StepFailure STRUCTURE_INVALID that names
 * page and finding, the signal's reason when aborted, and what the disk says when it cannot be read.
 */
export async function checkDatabase(path: string, options: CheckOptions = {}): Promise<DatabaseFacts> {
  const file = await open(path, 'r');
  try {
    const databaseSize = options.databaseSize ?? withoutTrailer((await file.stat()).size);
    return await checkFile(file, databaseSize, options.signal);
  } finally {
    await file.close();
  }
}

async function checkFile(file: FileHandle, databaseSize: number, signal?: AbortSignal): Promise<DatabaseFacts> {
  const meta = await readMeta(file, databaseSize);
  const reader = pageReader(file, meta);
  await checkFreelist(reader, meta);
  const keys = await walkBuckets(reader, meta.rootPage, signal);
  if (keys === null) throw structureInvalid(meta.rootPage, "there is no bucket 'key', so it is not etcd's");
  return { keyCount: keys.keyCount, revision: revisionOf(keys.lastKey), pageSize: meta.pageSize, databaseSize };
}

async function checkFreelist(reader: PageReader, { freelistPage }: Meta): Promise<void> {
  if (freelistPage === null) return;
  const [bytes] = await reader.pages([freelistPage], 0);
  if (bytes === undefined) return;
  const { id, flags, overflow } = pageHeader(bytes);
  if (id !== freelistPage) throw structureInvalid(freelistPage, `the freelist carries the id ${id}`);
  if (flags !== PAGE_FLAG.freelist) throw structureInvalid(freelistPage, `the freelist's flags are 0x${flags.toString(16)}`);
  reader.claim(id, overflow);
}

/** Every bucket, nested ones too; gives the facts of the top-level bucket 'key'. */
async function walkBuckets(reader: PageReader, rootPage: number, signal?: AbortSignal): Promise<TreeFacts | null> {
  const top = await walkTree(reader, rootPage, signal);
  let keys: TreeFacts | null = null;
  const toWalk: FoundBucket[] = [...top.buckets];
  for (let bucket = toWalk.pop(); bucket !== undefined; bucket = toWalk.pop()) {
    const facts = bucket.inline ?? await walkTree(reader, bucket.root, signal);
    toWalk.push(...facts.buckets);
    if (bucket.name === 'key' && top.buckets.includes(bucket)) keys = facts;
  }
  return keys;
}

function revisionOf(lastKey: Buffer | null): number {
  if (lastKey === null) return 0;
  if (!REVISION_SIZES.includes(lastKey.length) || lastKey[8] !== UNDERSCORE) {
    throw structureInvalid("of the bucket 'key'", `its last key '${lastKey.toString('hex')}' is no revision of etcd's`);
  }
  return Number(lastKey.readBigUInt64BE(0));
}

function withoutTrailer(fileSize: number): number {
  return fileSize % 512 === 32 ? fileSize - 32 : fileSize;
}
