// What a snapshot's copies say together: upserts by target and node, the snapshot's state and its verification.
// Not which event changes which copy: see projection-snapshot.ts.
import { type FailedCopyFact, type Part, type StoredCopyFact, type VerificationLevel, verificationLevels } from '../events/cluster-events.js';
import { nodeOfCopy } from '../events/snapshot-part.js';
import type { CopyRow, FailureRow, SnapshotState } from './read-model.js';

export type CopyId = Pick<CopyRow, 'targetId' | 'node'>;
type Copies = readonly CopyRow[];

/** The copies that a request promises: each node's own, and one on every other target, whichever part will feed it. */
export function pendingCopies(parts: readonly Part[]): Copies {
  const ids = parts.flatMap(({ part, targetIds }) => targetIds.map((targetId) => ({ targetId, node: nodeOfCopy(part, targetId) })));
  return ids.filter((id, index) => ids.findIndex((other) => sameCopy(id, other)) === index).map(pendingCopy);
}

function pendingCopy({ targetId, node }: CopyId): CopyRow {
  return {
    targetId, node, storedOn: null, state: 'PENDING', location: null, revision: null, sha256: null,
    storedSha256: null, storedSize: null, storedAt: null, encoding: [], verification: 'NONE', verifiedAt: null, failure: null,
  };
}

export const sameCopy = (a: CopyId, b: CopyId): boolean => a.targetId === b.targetId && a.node === b.node;

/** Changes one copy; one that no request promised takes the place of its target's pending copy without a node, else it is added. */
export function withCopy(copies: Copies, id: CopyId, change: (copy: CopyRow) => CopyRow): Copies {
  const exact = copies.findIndex((copy) => sameCopy(copy, id));
  const found = exact >= 0 ? exact : copies.findIndex((copy) => copy.targetId === id.targetId && copy.node === null && copy.state === 'PENDING');
  if (found < 0) return [...copies, change(pendingCopy(id))];
  return copies.map((copy, index) => (index === found ? change({ ...copy, targetId: id.targetId, node: id.node }) : copy));
}

/** `read`: the read of etcd that it holds, null where that is not known. */
export function withStored(copies: Copies, fact: StoredCopyFact, read: { revision: number; sha256: string } | null, at: string): Copies {
  return withCopy(copies, fact, (copy) => ({
    ...copy,
    storedOn: fact.storedOn, state: 'STORED', location: fact.location,
    revision: read?.revision ?? copy.revision, sha256: read?.sha256 ?? copy.sha256,
    storedSha256: fact.storedSha256, storedSize: fact.storedSize, storedAt: fact.storedAt, encoding: fact.encoding,
    verification: fact.verification, verifiedAt: fact.verification === 'NONE' ? null : at, failure: null,
  }));
}

export function withFailed(copies: Copies, { targetId, node, failure }: FailedCopyFact, at: string): Copies {
  return withCopy(copies, { targetId, node }, (copy) => ({ ...copy, state: 'FAILED', failure: { ...failure, at } }));
}

/** What will never be stored any more: the pending copies, on these targets or on all. */
export function withPendingFailed(copies: Copies, failure: FailureRow): Copies {
  return copies.map((copy) => (copy.state === 'PENDING' ? { ...copy, state: 'FAILED', failure } : copy));
}

/** The state of a snapshot that ended with a stored copy. A copy that is being pruned counts as stored until it is gone. */
export function stateOfCopies(copies: Copies): SnapshotState {
  const stored = copies.some(({ state }) => state === 'STORED' || state === 'PRUNING');
  if (!stored) return 'PRUNED';
  return copies.some(({ state }) => state === 'FAILED' || state === 'PENDING') ? 'PARTIAL' : 'TAKEN';
}

/** The lowest level of the stored copies. */
export function verificationOfCopies(copies: Copies): VerificationLevel {
  const levels = copies.filter(({ state }) => state === 'STORED' || state === 'PRUNING').map((copy) => verificationLevels.indexOf(copy.verification));
  return verificationLevels[Math.min(...levels)] ?? 'NONE';
}
