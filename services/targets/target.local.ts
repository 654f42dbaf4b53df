// The target that is a directory on this node's disk.
// Writes nothing before its root is known to be its own and mounted; takes away exact keys only.
import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import { access, open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FailureStep } from '../../events/error-codes.js';
import { spoolFile } from '../snapshots/spool.js';
import { StepFailure, diskFailure, errorCode } from '../snapshots/step-failure.js';
import { makeFolders } from './file-durability.js';
import { checkDirectory } from './directory-check.js';
import { PART_SUFFIX, removeEmptyFolders, removeFiles, storeLocalCopy } from './local-copy.js';
import { MANIFEST_NAME, copyNames } from './manifest.js';
import { assertRoot } from './target-marker.js';
import type { RootOwner } from './target-marker.js';
import { lstatOrNull, pathBelow } from './target-paths.js';
import type { CopyPlace, Target } from './target.js';

export type LocalTargetOptions = RootOwner;

const SPOOL_FOLDER = '.snapkeep-spool';
/** What must stay free beside the copy: for the manifest, folders and whoever else uses the disk. */
const MARGIN_BYTES = 64 * 1024 * 1024;

/** Opens nothing yet: whether the root is there and ours is asked anew at each use. */
export function localTarget(owner: LocalTargetOptions): Target {
  const { root, targetId, nodeId } = owner;
  const checked = async (key: string, step: FailureStep): Promise<string> => {
    await assertRoot(owner, step);
    return pathBelow(root, key, step);
  };
  return {
    targetId,
    storedOn: nodeId,
    preflight: async (bytes) => {
      await assertRoot(owner, 'PREFLIGHT');
      await assertWritable(root);
      await assertRoom(root, bytes);
    },
    spoolFolder: async () => {
      await assertRoot(owner, 'PREFLIGHT');
      const folder = join(root, SPOOL_FOLDER);
      return inStep('PREFLIGHT', folder, async () => {
        await makeFolders([folder]);
        return folder;
      });
    },
    store: async ({ folder }, source, signal) => {
      const path = await checked(folder, 'COMMIT');
      await assertNothingAt(path);
      return storeLocalCopy({ root, folder, path, assertRoot: () => assertRoot(owner, 'COMMIT') }, source, signal);
    },
    read: async ({ key }) => openKey(await checked(key, 'READ'), key),
    remove: async (keys) => {
      const paths = await Promise.all(keys.map(({ key }) => key).sort(manifestsFirst).map((key) => checked(key, 'REMOVE')));
      await removePaths(root, paths, 'REMOVE');
    },
    present: async (keys) => {
      const found = await Promise.all(keys.map(async ({ key }) => lstatOrNull(await checked(key, 'READ'), 'READ')));
      return found.every((file: Stats | null) => file?.isFile() === true);
    },
    sweep: (place) => sweep(owner, place, checked),
    check: (signal) => checkDirectory(owner, signal),
  };
}

async function sweep(
  { root }: LocalTargetOptions,
  { folder }: CopyPlace,
  checked: (key: string, step: FailureStep) => Promise<string>,
): Promise<number> {
  const path = await checked(folder, 'REMOVE');
  const names = copyNames.flatMap((name) => [name, `${name}${PART_SUFFIX}`]);
  const spooled = spoolFile(join(root, SPOOL_FOLDER), folder);
  const left = await removePaths(root, names.map((name) => join(path, name)), 'REMOVE');
  return left + await inStep('REMOVE', spooled, () => removeFiles([spooled]));
}

async function removePaths(root: string, paths: readonly string[], step: FailureStep): Promise<number> {
  return inStep(step, paths[0] ?? root, async () => {
    const removed = await removeFiles(paths);
    for (const path of paths) await removeEmptyFolders(root, path);
    return removed;
  });
}

function manifestsFirst(a: string, b: string): number {
  return Number(b.endsWith(`/${MANIFEST_NAME}`)) - Number(a.endsWith(`/${MANIFEST_NAME}`));
}

async function assertNothingAt(path: string): Promise<void> {
  for (const name of copyNames) {
    if (await lstatOrNull(join(path, name), 'COMMIT') === null) continue;
    throw new StepFailure('COMMIT', 'COPY_EXISTS', `${join(path, name)} exists already and is never written over. `
      + 'The next attempt has a place of its own.');
  }
}

/** A link in the file's place is not followed. */
async function openKey(path: string, key: string): Promise<Readable> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    return file.createReadStream({ highWaterMark: 1024 * 1024 });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      const message = `${path} is not there: someone else removed it. Use another copy.`;
      throw new StepFailure('READ', 'COPY_MISSING', message, { cause: error });
    }
    if (errorCode(error) === 'ELOOP') {
      const message = `The key '${key}' is a symbolic link, which is not followed.`;
      throw new StepFailure('READ', 'KEY_INVALID', message, { cause: error });
    }
    throw diskFailure('READ', path, error);
  }
}

async function assertWritable(root: string): Promise<void> {
  await inStep('PREFLIGHT', root, () => access(root, constants.R_OK | constants.W_OK | constants.X_OK));
}

async function assertRoom(root: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await inStep('PREFLIGHT', root, () => statfs(root));
  const free = bavail * bsize;
  const needed = bytes + MARGIN_BYTES;
  if (free >= needed) return;
  throw new StepFailure('PREFLIGHT', 'DISK_FULL',
    `The disk under ${root} has ${free} bytes free, and the snapshot needs ${needed} `
    + `(${MARGIN_BYTES} of them to spare): free some space, keep fewer snapshots, or use another target.`);
}

async function inStep<T>(step: FailureStep, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskFailure(step, path, error);
  }
}
