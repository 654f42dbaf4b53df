// The instants by which a snapshot is found besides its place in the list: what it can be restored to, and what is known to be sound.
// Derived from a row whenever it is written; no part of the row itself.
import { verificationLevels } from '../events/cluster-events.js';
import type { CopyRow, SnapshotRow } from './read-model.js';

/** takenAt while a copy is stored that is not being pruned; else null. */
export function restorableAt({ copies, takenAt }: SnapshotRow): string | null {
  return copies.some(isStored) ? takenAt : null;
}

/** takenAt while such a copy is verified at least STRUCTURE_OK; else null. */
export function verifiedAt({ copies, takenAt }: SnapshotRow): string | null {
  return copies.some(isVerified) ? takenAt : null;
}

const isStored = ({ state }: CopyRow): boolean => state === 'STORED';

const isVerified = (copy: CopyRow): boolean =>
  isStored(copy) && verificationLevels.indexOf(copy.verification) >= verificationLevels.indexOf('STRUCTURE_OK');
