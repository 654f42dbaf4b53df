// Snapshot events of a cluster's ledger → the snapshot's row. A pure translation: no clock, no calls.
// Not the rules for the order of events: those were decided before the events were written.
import type { ClusterEvent, ClusterEventOf, ReadFacts } from '../events/cluster-events.js';
import type { StoredEvent } from '../events/event-store.js';
import { nodeOfCopy } from '../events/snapshot-part.js';
import {
  type CopyId, pendingCopies, sameCopy, stateOfCopies, verificationOfCopies, withCopy, withFailed, withPendingFailed, withStored,
} from './projection-copies.js';
import type { CopyRow, PartRow, SnapshotRow } from './read-model.js';

export type Envelope = Pick<StoredEvent, 'time' | 'context' | 'position'>;

type OfSnapshot = Extract<ClusterEvent, { readonly data: { readonly snapshotId: string } }>;
/** Events that concern one snapshot which was requested before. */
export type SnapshotEvent = Exclude<OfSnapshot, { readonly type: 'SnapshotRequested' }>;

export function requestedSnapshot(clusterId: string, data: ClusterEventOf<'SnapshotRequested'>['data'], envelope: Envelope): SnapshotRow {
  return {
    snapshotId: data.snapshotId, clusterId, position: envelope.position, order: envelope.position,
    name: data.name, kind: data.kind, state: 'REQUESTED',
    requestedAt: envelope.time, requestedBy: envelope.context.actor, slot: data.slot, startedAt: null, takenAt: null, completedAt: null,
    attempts: 0, progress: null,
    revision: null, keyCount: null, dbSize: null, sha256: null, etcdVersion: null, member: null, durationMs: null,
    parts: data.parts.map(({ part, targetIds }) => ({ part, targetIds, state: 'WAITING', attempt: 0, bytes: 0, totalBytes: null, read: null })),
    copies: pendingCopies(data.parts), failure: null, pinned: false, verification: 'NONE',
  };
}

export function snapshotAfter(row: SnapshotRow, event: SnapshotEvent, envelope: Envelope): SnapshotRow {
  const { time } = envelope;
  switch (event.type) {
    case 'SnapshotStarted':
    case 'SnapshotProgressed':
    case 'SnapshotPartTaken':
    case 'SnapshotPartFailed':
      return summed(runAfter(row, event, time));
    case 'SnapshotTaken':
    case 'SnapshotFailed':
      return summed(endedAfter(row, event, time));
    case 'SnapshotPinned':
      return { ...row, pinned: true };
    case 'SnapshotUnpinned':
      return { ...row, pinned: false };
    default:
      return summed({ ...row, copies: copiesAfter(row, event, time) });
  }
}

type RunEvent = Extract<SnapshotEvent, { readonly data: { readonly part: string } }>;
type EndEvent = Extract<SnapshotEvent, { readonly type: 'SnapshotTaken' | 'SnapshotFailed' }>;
type PinEvent = Extract<SnapshotEvent, { readonly type: 'SnapshotPinned' | 'SnapshotUnpinned' }>;
type CopyEvent = Exclude<SnapshotEvent, RunEvent | EndEvent | PinEvent>;

function runAfter(row: SnapshotRow, event: RunEvent, time: string): SnapshotRow {
  const { part, attempt } = event.data;
  switch (event.type) {
    case 'SnapshotStarted': {
      const parts = withPart(row, part, { state: 'RUNNING', attempt, bytes: 0, totalBytes: null });
      return { ...row, startedAt: row.startedAt ?? time, attempts: Math.max(row.attempts, attempt), parts };
    }
    case 'SnapshotProgressed':
      return { ...row, parts: withPart(row, part, { bytes: event.data.bytes, totalBytes: event.data.totalBytes }) };
    case 'SnapshotPartTaken': {
      const { facts, copies, failedCopies } = event.data;
      const stored = copies.reduce((all, copy) => withStored(all, copy, facts, time), row.copies);
      const targetIds = [...copies, ...failedCopies].map(({ targetId }) => targetId);
      const read = { revision: facts.revision, sha256: facts.sha256 };
      const parts = withPart(row, part, { state: 'TAKEN', bytes: facts.dbSize, totalBytes: facts.dbSize, targetIds, read });
      return { ...withFacts(row, facts), parts, copies: failedCopies.reduce((all, copy) => withFailed(all, copy, time), stored) };
    }
    case 'SnapshotPartFailed': {
      const final = event.data.retryAfterMs === null;
      return { ...row, parts: withPart(row, part, { state: final ? 'FAILED' : 'WAITING', bytes: 0, totalBytes: null }) };
    }
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

/** The outcome carries every copy's; those that their part has told already stay as they are. */
function endedAfter(row: SnapshotRow, event: EndEvent, time: string): SnapshotRow {
  if (event.type === 'SnapshotFailed') {
    const failure = { ...event.data.failure, at: time };
    return { ...row, completedAt: time, failure, copies: withPendingFailed(row.copies, failure) };
  }
  const { facts, copies, failedCopies } = event.data;
  const untold = (fact: CopyId): boolean => !row.copies.some((copy) => sameCopy(copy, fact) && copy.state !== 'PENDING');
  const stored = copies.filter(untold).reduce((all, copy) => withStored(all, copy, facts, time), row.copies);
  return {
    ...withFacts(row, facts), completedAt: time,
    copies: failedCopies.filter(untold).reduce((all, copy) => withFailed(all, copy, time), stored),
  };
}

function copiesAfter(row: SnapshotRow, event: CopyEvent, time: string): readonly CopyRow[] {
  switch (event.type) {
    case 'SnapshotCopyStored':
      return withStored(row.copies, event.data.copy, readOf(row, event.data.copy), time);
    case 'SnapshotCopyFailed':
      return withFailed(row.copies, event.data, time);
    case 'SnapshotVerified':
      return withCopy(row.copies, event.data, (copy) => ({ ...copy, verification: event.data.level, verifiedAt: time }));
    case 'SnapshotPruneRequested':
      return withCopy(row.copies, event.data, (copy) => ({ ...copy, state: 'PRUNING', failure: null }));
    case 'SnapshotPruned':
      return withCopy(row.copies, event.data, (copy) => ({ ...copy, state: 'PRUNED', failure: null }));
    case 'SnapshotPruneFailed':
      return withCopy(row.copies, event.data, (copy) => ({ ...copy, failure: { ...event.data.failure, at: time } }));
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

/** The read that a repaired copy holds: of the part that fed its place, else of the first that was taken, which speaks for the snapshot. */
function readOf({ revision, sha256, parts }: SnapshotRow, { targetId, node }: CopyId): PartRow['read'] {
  const own = parts.find(({ part, targetIds, read }) => read !== null && targetIds.includes(targetId) && nodeOfCopy(part, targetId) === node);
  return own?.read ?? (revision === null || sha256 === null ? null : { revision, sha256 });
}

function withPart(row: SnapshotRow, part: string, change: Partial<PartRow>): readonly PartRow[] {
  return row.parts.map((one) => (one.part === part ? { ...one, ...change } : one));
}

/** The first part that was taken speaks for the snapshot. */
function withFacts(row: SnapshotRow, facts: ReadFacts): SnapshotRow {
  if (row.takenAt !== null) return row;
  const { takenAt, revision, keyCount, dbSize, sha256, etcdVersion, member, durationMs } = facts;
  return { ...row, takenAt, revision, keyCount, dbSize, sha256, etcdVersion, member, durationMs };
}

/** What follows from parts and copies. A part between two attempts does not run. */
function summed(row: SnapshotRow): SnapshotRow {
  const state = stateOf(row);
  const progress = state === 'RUNNING' ? progressOf(row.parts) : null;
  const failure = state === 'FAILED' ? row.failure : null;
  return { ...row, state, progress, failure, verification: verificationOfCopies(row.copies) };
}

function stateOf(row: SnapshotRow): SnapshotRow['state'] {
  if (row.failure !== null && !row.copies.some(({ storedAt }) => storedAt !== null)) return 'FAILED';
  if (row.completedAt !== null) return stateOfCopies(row.copies);
  return row.parts.some(({ state }) => state === 'RUNNING' || state === 'TAKEN') ? 'RUNNING' : 'REQUESTED';
}

function progressOf(parts: readonly PartRow[]): SnapshotRow['progress'] {
  const begun = parts.filter(({ state }) => state === 'RUNNING' || state === 'TAKEN');
  const bytes = begun.reduce((sum, part) => sum + part.bytes, 0);
  const totals = begun.map(({ totalBytes }) => totalBytes).filter((total) => total !== null);
  return { bytes, totalBytes: totals.length < begun.length ? null : totals.reduce((sum, total) => sum + total, 0) };
}
