// The copies of one attempt: opens its targets, says where to spool, commits a verified spool on each of them, withdraws.
// A target that fails costs its own copy only; with none left the attempt has failed as the first of them did.
import { unlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { FailedCopyFact, ReadFacts, StoredCopyFact } from '../../events/cluster-events.js';
import type { Manifest } from '../targets/manifest.js';
import { DATABASE_NAME } from '../targets/manifest.js';
import type { TargetRegistry } from '../targets/target-registry.js';
import type { PreparedCopy, Target } from '../targets/target.js';
import { copyFolder, nodeOf } from './copy-folder.js';
import { failureOf } from './failure-record.js';
import type { OpenPart } from './open-work.js';
import type { SnapshotFacts } from './snapshot-read.js';
import { spoolFile } from './spool.js';

export interface CopyPlaces extends TargetRegistry {
  /** Where to spool when no target has a place for it; exists. */
  readonly spoolFolder: string;
  readonly snapkeepVersion: string;
}

/** The places of one attempt, checked for room. */
export interface OpenPlaces {
  readonly targets: readonly Target[];
  readonly failed: readonly FailedCopyFact[];
  readonly folder: string;
  readonly spoolFile: string;
}

export interface VerifiedRead {
  readonly part: OpenPart;
  readonly attempt: number;
  readonly facts: ReadFacts;
  readonly spooled: SnapshotFacts;
  readonly storedAt: string;
}

const pausesMs = [500, 2_000];

interface Outcome { readonly copies: readonly StoredCopyFact[]; readonly failedCopies: readonly FailedCopyFact[] }

/** Throws the first target's failure when none can take `bytes`. */
export async function openPlaces(places: CopyPlaces, part: OpenPart, attempt: number, bytes: number): Promise<OpenPlaces> {
  const node = nodeOf(part.part);
  const targets: Target[] = [];
  const failed: FailedCopyFact[] = [];
  let first: unknown;
  for (const targetId of part.targetIds) {
    try {
      const target = await places.openForWriting(targetId);
      await target.preflight(bytes);
      targets.push(target);
    } catch (error) {
      first ??= error;
      failed.push({ targetId, node, failure: failureOf(error, 'PREFLIGHT') });
    }
  }
  if (targets.length === 0) throw first;
  const folder = copyFolder(part, attempt);
  return { targets, failed, folder, spoolFile: spoolFile(await spoolFolderOf(targets, places), folder) };
}

async function spoolFolderOf(targets: readonly Target[], { spoolFolder }: CopyPlaces): Promise<string> {
  for (const target of targets) {
    const own = await target.spoolFolder();
    if (own !== null) return own;
  }
  return spoolFolder;
}

/** Throws the first target's failure when no copy could be stored; then nothing of the attempt is left. */
export async function storeCopies(places: CopyPlaces, open: OpenPlaces, read: VerifiedRead): Promise<Outcome> {
  const copies: StoredCopyFact[] = [];
  const failedCopies: FailedCopyFact[] = [...open.failed];
  let first: unknown;
  for (const target of open.targets) {
    try {
      copies.push(await retried(() => storeCopy(target, open, read, places.snapkeepVersion)));
    } catch (error) {
      first ??= error;
      failedCopies.push({ targetId: target.targetId, node: nodeOf(read.part.part), failure: failureOf(error, 'COMMIT') });
    }
  }
  if (copies.length === 0) throw first;
  return { copies, failedCopies };
}

/** Three tries while the spool is there, since what fails here for a moment would cost the copy. */
async function retried<T>(store: () => Promise<T>): Promise<T> {
  for (const pause of pausesMs) {
    try {
      return await store();
    } catch {
      await delay(pause);
    }
  }
  return store();
}

async function storeCopy(target: Target, open: OpenPlaces, read: VerifiedRead, snapkeepVersion: string): Promise<StoredCopyFact> {
  const { spooled, storedAt } = read;
  const spool = { path: open.spoolFile, size: spooled.fileSize, sha256: spooled.storedSha256 };
  const copy: PreparedCopy = await target.prepare({ folder: open.folder }, spool);
  try {
    const stored = await copy.commit(manifestOf(read, snapkeepVersion));
    return {
      targetId: target.targetId, node: nodeOf(read.part.part), storedOn: target.storedOn,
      ...stored, storedAt, verification: 'STRUCTURE_OK',
    };
  } catch (error) {
    await copy.withdraw();
    throw error;
  }
}

function manifestOf({ part, attempt, facts, spooled }: VerifiedRead, snapkeepVersion: string): Manifest {
  const { clusterId, snapshotId, name } = part;
  const { takenAt, etcdVersion, member, revision, keyCount, sha256 } = facts;
  return {
    version: 1, snapkeepVersion, clusterId, snapshotId, name, part: part.part, attempt,
    takenAt, etcdVersion, member, revision, keyCount, databaseSize: facts.dbSize, sha256,
    stored: { file: DATABASE_NAME, size: spooled.fileSize, sha256: spooled.storedSha256, encoding: [] },
  };
}

/** Takes away what an attempt committed before it learned that its claim was lost. */
export async function withdrawCopies(places: CopyPlaces, copies: readonly StoredCopyFact[]): Promise<void> {
  for (const { targetId, keys } of copies) await (await places.openTarget(targetId)).remove(keys);
}

/** The spool is the attempt's own; once its copies are committed or withdrawn nobody needs it. */
export async function discardSpool({ spoolFile: file }: OpenPlaces): Promise<void> {
  await unlink(file);
}
