// From a target's key to a path below its root: refuses every key that could lead elsewhere, symbolic links included.
// Looks at folders and changes none.
import { lstat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { FailureStep } from '../../events/error-codes.js';
import { StepFailure, diskFailure, errorCode } from '../snapshots/step-failure.js';

const LONGEST_NAME = 255;

/** The path of a key or folder; every folder on the way that exists is a real one. */
export async function pathBelow(root: string, key: string, step: FailureStep): Promise<string> {
  assertKey(key, step);
  const path = join(root, ...key.split('/'));
  for (const folder of foldersBelow(root, path)) {
    const found = await lstatOrNull(folder, step);
    if (found === null) break;
    if (!found.isDirectory()) throw invalid(step, key, `${folder} is no folder but a link or a file`);
  }
  return path;
}

/** From the topmost below the root down to the one that holds `path`. */
export function foldersBelow(root: string, path: string): string[] {
  const names = relative(root, dirname(path)).split(sep).filter((name) => name !== '');
  return names.map((_, i) => join(root, ...names.slice(0, i + 1)));
}

export async function lstatOrNull(path: string, step: FailureStep) {
  try {
    return await lstat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw diskFailure(step, path, error);
  }
}

/** Fails for a key with parts that are empty, relative, no file names, or the target's own. */
export function assertKey(key: string, step: FailureStep): void {
  for (const name of key.split('/')) {
    if (name === '' || name === '.' || name === '..') throw invalid(step, key, 'it has an empty or relative part');
    if (/[\\\0]/.test(name) || Buffer.byteLength(name) > LONGEST_NAME) throw invalid(step, key, 'a part of it is no file name');
    if (name.startsWith('.snapkeep')) throw invalid(step, key, "names beginning with '.snapkeep' are the target's own");
  }
}

function invalid(step: FailureStep, key: string, why: string): StepFailure {
  return new StepFailure(step, 'KEY_INVALID', `The key '${key}' leads to no file of the target: ${why}. Nothing was done with it.`);
}
