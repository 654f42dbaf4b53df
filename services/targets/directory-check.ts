// What is tried of a directory before it is trusted with copies: the checks of `testTarget` for a local target.
// Leaves the directory as it was, but for the root and marker that the first use makes anyway.
import { randomUUID } from 'node:crypto';
import { readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../snapshots/step-failure.js';
import { renameNew, syncPath, writeNewFile } from './file-durability.js';
import { removeFiles } from './local-copy.js';
import type { TargetCheck } from './target-check.js';
import { assertRoot } from './target-marker.js';
import type { RootOwner } from './target-marker.js';

/** Under this much free space a snapshot of a usual etcd does not fit. */
const LITTLE_BYTES = 1024 * 1024 * 1024;

interface Trial {
  readonly name: string;
  readonly remedy: string;
  /** What was found; throws where it does not work. */
  readonly run: () => Promise<string | null>;
}

export async function checkDirectory(owner: RootOwner, signal: AbortSignal): Promise<readonly TargetCheck[]> {
  const checks: TargetCheck[] = [];
  for (const trial of trialsOf(owner)) {
    const failed = checks.find(({ ok }) => !ok);
    checks.push(failed || signal.aborted ? untried(trial, failed?.name) : await tried(trial));
  }
  return checks;
}

function trialsOf(owner: RootOwner): readonly Trial[] {
  const { root } = owner;
  const probe = join(root, `.snapkeep-check-${randomUUID()}`);
  return [
    { name: 'exists, and is the target\'s', remedy: 'Mount its disk, or create it for the user that Snapkeep runs as.', run: () => used(owner) },
    { name: 'writable', remedy: 'Give the directory to the user that Snapkeep runs as; look at the mount options.', run: () => written(probe) },
    { name: 'syncs to disk', remedy: 'Use a file system on which fsync works: what is not synced is lost in a power cut.', run: () => synced(root) },
    { name: 'free space', remedy: 'Free space on its disk, or keep fewer snapshots.', run: () => free(root) },
    { name: 'on a disk of its own', remedy: 'Look at its mount.', run: () => disk(root) },
  ];
}

async function tried({ name, remedy, run }: Trial): Promise<TargetCheck> {
  try {
    return { name, ok: true, message: await run(), remedy: null };
  } catch (error) {
    return { name, ok: false, message: errorMessage(error), remedy };
  }
}

function untried({ name }: Trial, failed: string | undefined): TargetCheck {
  const why = failed === undefined ? 'the test was ended' : `"${failed}" failed`;
  return { name, ok: false, message: `not tried, because ${why}`, remedy: failed === undefined ? 'Test the target again.' : 'Mend that first.' };
}

async function used(owner: RootOwner): Promise<string> {
  await assertRoot(owner, 'PREFLIGHT');
  return owner.root;
}

/** Written, renamed, read and removed, as a copy is. */
async function written(probe: string): Promise<null> {
  const text = randomUUID();
  try {
    await writeNewFile(`${probe}.part`, text);
    await renameNew(`${probe}.part`, probe);
    if (await readFile(probe, 'utf8') !== text) throw new Error(`${probe} reads otherwise than it was written: check the disk`);
  } finally {
    await removeFiles([`${probe}.part`, probe]);
  }
  return null;
}

async function synced(root: string): Promise<null> {
  await syncPath(root);
  return null;
}

async function free(root: string): Promise<string> {
  const { bavail, blocks, bsize } = await statfs(root);
  const found = `${inGigabytes(bavail * bsize)} of ${inGigabytes(blocks * bsize)} free`;
  if (bavail * bsize < LITTLE_BYTES) throw new Error(`only ${found}`);
  return found;
}

/** Good to know rather than a fault: on the same disk a copy goes when the machine goes. */
async function disk(root: string): Promise<string> {
  const [own, system] = await Promise.all([stat(root), stat('/')]);
  return own.dev === system.dev
    ? 'no: it is on the disk of the system, and copies are lost with that disk; name a second target in the policy'
    : 'yes: another disk than the system\'s';
}

const inGigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
