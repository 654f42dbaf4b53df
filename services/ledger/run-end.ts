// The event that ends a run, from what its parts came to: SnapshotTaken while at least one copy is stored, else SnapshotFailed.
// Not what retention makes of it: see retention-intents.ts.
import type { ClusterEvent, Failure, FailedCopyFact } from '../../events/cluster-events.js';
import { localTargetId } from '../../events/target-events.js';
import { anyPart } from './request-decider.js';
import type { PartState, SnapshotState } from './snapshot-state.js';

const neverEnded: Failure = { step: 'CLAIM', code: 'UNEXPECTED', message: 'no part of this snapshot failed, yet none stored a copy' };

export const hasEnded = ({ status }: PartState): boolean => status === 'TAKEN' || status === 'FAILED';

/** `cutShort`: why parts that go on now end all the same; null where all parts have ended. */
export function endOfRun({ snapshotId, parts, facts }: SnapshotState, cutShort: Failure | null): ClusterEvent {
  const copies = parts.flatMap((part) => part.copies);
  const failure = cutShort ?? parts.find(({ status }) => status === 'FAILED')?.failure ?? neverEnded;
  if (facts === null || copies.length === 0) return { type: 'SnapshotFailed', data: { snapshotId, failure } };
  const failedCopies = parts.flatMap((part) => failedCopiesOf(part, failure));
  return { type: 'SnapshotTaken', data: { snapshotId, outcome: failedCopies.length === 0 ? 'TAKEN' : 'PARTIAL', facts, copies, failedCopies } };
}

function failedCopiesOf(part: PartState, otherwise: Failure): readonly FailedCopyFact[] {
  if (part.status === 'TAKEN') return part.failedCopies;
  const failure = (part.status === 'FAILED' ? part.failure : null) ?? otherwise;
  return part.targetIds.map((targetId) => ({ targetId, node: nodeOf(part, targetId), failure }));
}

/** Only a node's own part ties its local copy to the node. */
const nodeOf = ({ part }: PartState, targetId: string): string | null => (part !== anyPart && targetId === localTargetId ? part : null);
