// The marker in a local target's root: it says whose root this is, and that the disk it belongs to is mounted.
// Made once, on this node's first use of the root; later its absence means that something is wrong, never that all is gone.
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { FailureStep } from '../../events/error-codes.js';
import { StepFailure, diskFailure, errorCode, errorMessage } from '../snapshots/step-failure.js';
import { syncPath, writeNewFile } from './file-durability.js';
import { foldersBelow } from './target-paths.js';
import type { TargetRoots } from './target-roots.js';

export const MARKER_NAME = '.snapkeep-target';

const markerSchema = z.strictObject({ version: z.literal(1), targetId: z.string(), node: z.string() });
type Marker = z.infer<typeof markerSchema>;

export interface RootOwner {
  readonly targetId: string;
  /** `SNAPKEEP_NODE_NAME`, or the id kept in the data directory. */
  readonly nodeId: string;
  readonly root: string;
  readonly roots: TargetRoots;
}

/** Fails unless the root is this target's on this node and is there. Creates root and marker on the very first use only. */
export async function assertRoot(owner: RootOwner, step: FailureStep): Promise<void> {
  const { root, targetId, nodeId } = owner;
  await assertOnlyRoot(owner, step);
  const marker = await readMarker(root, step);
  if (marker !== null) {
    assertOwn(marker, owner, step);
    await remember(owner, step);
    return;
  }
  if (await usedBefore(owner, step)) {
    throw new StepFailure(step, 'TARGET_UNAVAILABLE',
      `${root} of target '${targetId}' has no ${MARKER_NAME}, though it had one before: the disk is probably not mounted. `
      + 'Mount it; nothing was written, and nothing is taken for lost.');
  }
  await createMarker(root, { version: 1, targetId, node: nodeId }, step);
  assertOwn(await readMarker(root, step), owner, step);
  await remember(owner, step);
}

/** The path of a target never changes: elsewhere its copies would seem to be gone. */
async function assertOnlyRoot({ roots, targetId, root }: RootOwner, step: FailureStep): Promise<void> {
  const other = await roots.otherRoot(targetId, root).catch((error: unknown) => { throw recordFailure(step, root, error); });
  if (other === null) return;
  throw new StepFailure(step, 'TARGET_FOREIGN', `Target '${targetId}' is at ${root} now, but its copies on this node are at ${other}: `
    + `set its path back (SNAPKEEP_LOCAL_PATH for the target 'local'), and use createLocalTarget for a new folder.`);
}

async function usedBefore({ roots, targetId, root }: RootOwner, step: FailureStep): Promise<boolean> {
  try {
    return await roots.usedBefore(targetId, root);
  } catch (error) {
    throw recordFailure(step, root, error);
  }
}

async function remember({ roots, targetId, root }: RootOwner, step: FailureStep): Promise<void> {
  try {
    await roots.remember(targetId, root);
  } catch (error) {
    throw recordFailure(step, root, error);
  }
}

function recordFailure(step: FailureStep, root: string, cause: unknown): StepFailure {
  return new StepFailure(step, 'TARGET_UNAVAILABLE', `Whether ${root} was used before cannot be told: `
    + `the record of target roots in the data directory does not work. Mend it or put it back. (${errorMessage(cause)})`, { cause });
}

async function readMarker(root: string, step: FailureStep): Promise<Marker | null> {
  const path = join(root, MARKER_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    const said = errorMessage(error);
    throw new StepFailure(step, 'TARGET_UNAVAILABLE', `${path} cannot be read: check its disk. (${said})`, { cause: error });
  }
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new StepFailure(step, 'TARGET_FOREIGN', `${path} is no marker that this version of Snapkeep knows: `
      + 'find out who wrote it, and remove it only if the folder is this target\'s.', { cause: error });
  }
}

function assertOwn(marker: Marker | null, { root, targetId, nodeId }: RootOwner, step: FailureStep): void {
  if (marker?.targetId === targetId && marker.node === nodeId) return;
  const whose = marker === null ? 'nobody' : `target '${marker.targetId}' on node '${marker.node}'`;
  throw new StepFailure(step, 'TARGET_FOREIGN', `${root} belongs to ${whose}, not to target '${targetId}' on node '${nodeId}': `
    + 'give each target and each node a folder of its own.');
}

/** Renamed into place whole, so that a crash leaves no half of it. Of two nodes that come at once, one sees the other's name. */
async function createMarker(root: string, marker: Marker, step: FailureStep): Promise<void> {
  const part = join(root, `${MARKER_NAME}.${randomUUID()}.part`);
  try {
    const first = await mkdir(root, { recursive: true, mode: 0o700 });
    const made = first === undefined ? [] : foldersBelow(dirname(first), join(root, MARKER_NAME));
    for (const folder of made) await syncPath(dirname(folder));
    await writeNewFile(part, `${JSON.stringify(marker, null, 2)}\n`);
    await rename(part, join(root, MARKER_NAME));
    await syncPath(root);
  } catch (error) {
    await rm(part, { force: true });
    throw diskFailure(step, root, error);
  }
}
