// One copy on a local disk: linked or written beside its final name, then made visible, manifest last, or taken away again.
// Which folder it may use was settled before; nothing it did not make itself is ever taken away by it.
import { chmod, open, rmdir, unlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { encodedName } from '../encoding/encoding.js';
import { StepFailure, diskFailure, errorCode } from '../snapshots/step-failure.js';
import type { CopySource, VerifiedFile } from './copy-source.js';
import { makeFolders, renameNew, syncPath, tryLink, writeAll, writeNewFile } from './file-durability.js';
import { DATABASE_NAME, MANIFEST_NAME, manifestText } from './manifest.js';
import type { StoredCopy } from './target.js';
import { foldersBelow } from './target-paths.js';

export const PART_SUFFIX = '.part';
const ROUNDS = 5;

export interface LocalPlace {
  readonly root: string;
  /** Relative to the root, with slashes. */
  readonly folder: string;
  /** Absolute. */
  readonly path: string;
  /** Fails unless the root is still there and ours. */
  readonly assertRoot: () => Promise<void>;
}

interface WrittenFile {
  readonly size: number;
  readonly sha256: string;
}

/** Files that this copy made and that are still there. */
type Made = Set<string>;

export async function storeLocalCopy(place: LocalPlace, source: CopySource, signal: AbortSignal): Promise<StoredCopy> {
  const made: Made = new Set();
  try {
    return await committed(place, source, { made, signal });
  } catch (error) {
    // What cannot be taken away now lies under the exact keys of an attempt that failed: a sweep finds it.
    await withdraw(place, made).catch(() => undefined);
    signal.throwIfAborted();
    throw copyFailure(place, error);
  }
}

async function committed(place: LocalPlace, source: CopySource, { made, signal }: { made: Made; signal: AbortSignal }): Promise<StoredCopy> {
  const name = encodedName(DATABASE_NAME, source.encoding);
  const database = join(place.path, name);
  const manifest = join(place.path, MANIFEST_NAME);
  const linked = await beginPart(place, `${database}${PART_SUFFIX}`, { source, made });
  const written = linked ? await verifiedBefore(source, signal) : await writePart(`${database}${PART_SUFFIX}`, source, signal);
  const { manifest: facts } = await source.verified();
  signal.throwIfAborted();
  await place.assertRoot();
  await syncPath(`${database}${PART_SUFFIX}`);
  await publish(database, made);
  await syncPath(place.path);
  const { size, sha256 } = written;
  await writeNewFile(`${manifest}${PART_SUFFIX}`, manifestText({ ...facts, stored: { file: name, size, sha256, encoding: source.encoding } }));
  made.add(`${manifest}${PART_SUFFIX}`);
  await publish(manifest, made);
  await syncPath(place.path);
  const keys = [name, MANIFEST_NAME].map((file) => ({ key: `${place.folder}/${file}`, versionId: null }));
  return { keys, location: database, storedSize: size, storedSha256: sha256 };
}

/** Makes the part as a second name of the source's file, or empty; true for the former. Again where whoever removed the last copy beside it
 *  took the folder away while it was still empty. */
async function beginPart({ root }: LocalPlace, part: string, { source, made }: { source: CopySource; made: Made }): Promise<boolean> {
  for (let round = 1; ; round += 1) {
    try {
      await makeFolders(foldersBelow(root, part));
      const linked = source.file !== null && await tryLink(source.file, part);
      if (!linked) await (await open(part, 'wx', 0o600)).close();
      made.add(part);
      await chmod(part, 0o600);
      return linked;
    } catch (error) {
      await removeEmptyFolders(root, part);
      if (errorCode(error) !== 'ENOENT' || round === ROUNDS) throw error;
    }
  }
}

/** Settles with the source or when the signal aborts. */
async function verifiedBefore(source: CopySource, signal: AbortSignal): Promise<VerifiedFile> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const leave = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([source.verified(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

async function writePart(part: string, source: CopySource, signal: AbortSignal): Promise<WrittenFile> {
  const hash = createHash('sha256');
  const file = await open(part, 'r+');
  let size = 0;
  try {
    for await (const piece of source.read(signal)) {
      hash.update(piece);
      await writeAll(file, piece, size);
      size += piece.length;
    }
  } finally {
    await file.close();
  }
  const sha256 = hash.digest('hex');
  if (source.encoding.length === 0 && sha256 !== (await source.verified()).sha256) {
    throw new StepFailure('COMMIT', 'HASH_MISMATCH', `What was written to ${part} is not what was verified: check the disk and memory.`);
  }
  return { size, sha256 };
}

async function publish(path: string, made: Made): Promise<void> {
  await renameNew(`${path}${PART_SUFFIX}`, path);
  made.delete(`${path}${PART_SUFFIX}`);
  made.add(path);
}

async function withdraw({ root, path, assertRoot }: LocalPlace, made: Made): Promise<void> {
  await assertRoot();
  await removeFiles([...made].reverse());
  await removeEmptyFolders(root, join(path, DATABASE_NAME));
}

/** In this order; what is not there is passed over. Gives how many there were. */
export async function removeFiles(paths: readonly string[]): Promise<number> {
  let removed = 0;
  for (const path of paths) {
    try {
      await unlink(path);
      await syncPath(dirname(path));
      removed += 1;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return removed;
}

/** From the folder that held `path` upwards, below the root, as long as they are empty. */
export async function removeEmptyFolders(root: string, path: string): Promise<void> {
  for (const folder of foldersBelow(root, path).reverse()) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) return;
      if (!isMissing(error)) throw error;
    }
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCode(error));
}

function copyFailure({ path }: LocalPlace, error: unknown): StepFailure {
  if (errorCode(error) !== 'EEXIST') return diskFailure('COMMIT', path, error);
  return new StepFailure('COMMIT', 'COPY_EXISTS', `${path} holds a copy already, which is never written over. `
    + 'The next attempt has a place of its own.', { cause: error });
}
