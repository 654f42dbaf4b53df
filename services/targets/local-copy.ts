// One copy on a local disk: linked or copied beside its final name, then made visible, manifest last, or withdrawn.
// Which folder it may use was settled before; nothing it did not make itself is ever taken away by it.
import { constants } from 'node:fs';
import { chmod, copyFile, open, rmdir, unlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { StepFailure, diskFailure, errorCode } from '../snapshots/step-failure.js';
import { makeFolders, renameNew, syncPath, tryLink, writeNewFile } from './file-durability.js';
import { DATABASE_NAME, MANIFEST_NAME, manifestText } from './manifest.js';
import type { Manifest } from './manifest.js';
import type { PreparedCopy, SpooledSnapshot, StoredCopy } from './target.js';
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

export async function prepareLocalCopy(place: LocalPlace, spool: SpooledSnapshot): Promise<PreparedCopy> {
  const database = join(place.path, DATABASE_NAME);
  const manifest = join(place.path, MANIFEST_NAME);
  const made = new Set<string>();
  const copy: PreparedCopy = {
    commit: (content) => inStep(place, async () => {
      const stored = storedCopy(place, spool, content);
      await place.assertRoot();
      await syncPath(`${database}${PART_SUFFIX}`);
      await publish(database, made);
      await syncPath(place.path);
      await writeNewFile(`${manifest}${PART_SUFFIX}`, manifestText(content));
      made.add(`${manifest}${PART_SUFFIX}`);
      await publish(manifest, made);
      await syncPath(place.path);
      return stored;
    }),
    withdraw: () => inStep(place, async () => {
      await place.assertRoot();
      await removeFiles([manifest, database].flatMap((file) => [file, `${file}${PART_SUFFIX}`]).filter((file) => made.has(file)));
      await removeEmptyFolders(place.root, database);
    }),
  };
  return inStep(place, async () => {
    await fillPlace(place, spool, made);
    return copy;
  });
}

/** Again where someone who removed the last copy beside it took the folder away while it was still empty. */
async function fillPlace(place: LocalPlace, spool: SpooledSnapshot, made: Set<string>): Promise<void> {
  const part = `${join(place.path, DATABASE_NAME)}${PART_SUFFIX}`;
  for (let round = 1; ; round += 1) {
    try {
      await makeFolders(foldersBelow(place.root, part));
      await fillPart(part, spool, made);
      return;
    } catch (error) {
      await removeEmptyFolders(place.root, part);
      if (errorCode(error) !== 'ENOENT' || round === ROUNDS) throw error;
    }
  }
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

export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCode(error));
}

async function fillPart(part: string, spool: SpooledSnapshot, made: Set<string>): Promise<void> {
  if (await tryLink(spool.path, part)) {
    made.add(part);
    await chmod(part, 0o600);
    return;
  }
  try {
    await copyFile(spool.path, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    made.add(part);
    await chmod(part, 0o600);
    await assertCopied(part, spool);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') await removeFiles([part]);
    throw error;
  }
}

async function assertCopied(part: string, { path, sha256 }: SpooledSnapshot): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(part, 'r');
  for await (const piece of file.createReadStream({ highWaterMark: 1024 * 1024 })) hash.update(piece as Buffer);
  if (hash.digest('hex') === sha256) return;
  throw new StepFailure('COMMIT', 'HASH_MISMATCH',
    `The copy of ${path} at ${part} is not what was verified: check the disk and memory.`);
}

async function publish(path: string, made: Set<string>): Promise<void> {
  await renameNew(`${path}${PART_SUFFIX}`, path);
  made.delete(`${path}${PART_SUFFIX}`);
  made.add(path);
}

function storedCopy({ folder, path }: LocalPlace, spool: SpooledSnapshot, { stored }: Manifest): StoredCopy {
  if (stored.size !== spool.size || stored.sha256 !== spool.sha256) {
    throw new Error(`the manifest for ${folder} describes another file than the spool`);
  }
  return {
    keys: [DATABASE_NAME, MANIFEST_NAME].map((name) => `${folder}/${name}`),
    location: join(path, DATABASE_NAME),
    storedSize: spool.size,
    storedSha256: spool.sha256,
  };
}

async function inStep<T>({ path }: LocalPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (errorCode(error) === 'EEXIST') {
      throw new StepFailure('COMMIT', 'COPY_EXISTS', `${path} holds a copy already, which is never written over. `
        + 'The next attempt has a place of its own.', { cause: error });
    }
    throw diskFailure('COMMIT', path, error);
  }
}
