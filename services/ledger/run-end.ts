// The event that ends a run, from what its parts came to: SnapshotTaken while at least one copy is stored, else SnapshotFailed.
// Not what retention makes of it: see retention-intents.ts.
import type { ClusterEvent, Failure, FailedCopyFact } from '../../events/cluster-events.js';
import { nodeOfCopy } from '../../events/snapshot-part.js';
import type { CopyPlace, PartState, SnapshotState } from './snapshot-state.js';
import { isSamePlace } from './snapshot-state.js';

const neverEnded: Failure = { step: 'CLAIM', code: 'UNEXPECTED', message: 'no part of this snapshot failed, yet none stored a copy' };

export const hasEnded = ({ status }: PartState): boolean => status === 'TAKEN' || status === 'FAILED';

/** `cutShort`: why parts that go on now end all the same; null where all parts have ended. */
export function endOfRun({ snapshotId, parts, facts }: SnapshotState, cutShort: Failure | null): ClusterEvent {
  const copies = parts.flatMap((part) => part.copies);
  const failure = cutShort ?? parts.find(({ status }) => status === 'FAILED')?.failure ?? neverEnded;
  if (facts === null || copies.length === 0) return { type: 'SnapshotFailed', data: { snapshotId, failure } };
  const failedCopies = failedCopiesOf(parts, failure);
  return { type: 'SnapshotTaken', data: { snapshotId, outcome: failedCopies.length === 0 ? 'TAKEN' : 'PARTIAL', facts, copies, failedCopies } };
}

/** Those that taken parts told, and every place of which no taken part told anything. */
function failedCopiesOf(parts: readonly PartState[], otherwise: Failure): readonly FailedCopyFact[] {
  const told: readonly CopyPlace[] = parts.flatMap(({ copies, failedCopies }) => [...copies, ...failedCopies]);
  const untold = parts.flatMap(placesOf).filter((place, at, all) =>
    !told.some((other) => isSamePlace(other, place)) && all.findIndex((other) => isSamePlace(other, place)) === at);
  return [
    ...parts.flatMap(({ failedCopies }) => failedCopies),
    ...untold.map((place) => ({ ...place, failure: failureAt(place, parts) ?? otherwise })),
  ];
}

const placesOf = ({ part, targetIds }: PartState): readonly CopyPlace[] =>
  targetIds.map((targetId) => ({ targetId, node: nodeOfCopy(part, targetId) }));

const failureAt = (place: CopyPlace, parts: readonly PartState[]): Failure | null =>
  parts.find((part) => part.status === 'FAILED' && placesOf(part).some((other) => isSamePlace(other, place)))?.failure ?? null;
