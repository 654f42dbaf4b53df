// A log of one cluster for the tests of the projections: events with fixed ids and times. Not a source of events for anything else.
// Positions count from 1, as those of the embedded event store.
import { createHash } from 'node:crypto';
import type { DomainEvent } from '../events/catalogue.js';
import type { FailedCopyFact, Failure, Part, ReadFacts, StoredCopyFact } from '../events/cluster-events.js';
import { clusterStream } from '../events/cluster-events.js';
import type { NewEvent, StoredEvent } from '../events/event-store.js';
import { plainEncoding, targetStream } from '../events/target-events.js';

export const cluster = 'prod';
export const snapshotId = `${cluster}.01JDA0000000000000000000A1`;
export const failure: Failure = { step: 'STREAM', code: 'STREAM_BROKEN', message: 'reading the snapshot: the connection was cut; it is tried again' };

export const positionAt = (sequence: number): string => String(sequence).padStart(20, '0');
/** Minute n of a fixed day and on. */
export const minute = (n: number): string => new Date(Date.UTC(2026, 10, 23, 6) + n * 60_000).toISOString();

const uuid = (text: string): string => createHash('sha256').update(text).digest('hex')
  .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');

export function newEvent(event: DomainEvent, n: number): NewEvent {
  return { id: uuid(`event-${n}`), time: minute(n), context: { actor: 'ada', correlationId: 'run', causationId: 'run' }, event };
}

/** Events as the log keeps them, from position `from` on; of one cluster, and of the targets that they name themselves. */
export function stored(events: readonly DomainEvent[], from = 1, clusterId = cluster): StoredEvent[] {
  return events.map((event, index) => ({
    ...newEvent(event, from + index), stream: streamOf(event, clusterId), revision: from + index - 1, position: positionAt(from + index),
  }));
}

export function streamOf(event: DomainEvent, clusterId = cluster): string {
  if (event.type === 'TargetCreated') return targetStream(event.data.targetId);
  return event.type === 'TargetUpdated' || event.type === 'TargetRetired' ? targetStream('nas') : clusterStream(clusterId);
}

export const connection = { endpoints: ['https://etcd-1:2379'], ca: null, clientCertificate: null, username: null, secretRef: null };
export const registered: DomainEvent = { type: 'ClusterRegistered', data: { clusterId: cluster, name: 'Production', legacy: false, connection } };
export const policy: DomainEvent = {
  type: 'PolicyUpdated',
  data: {
    revision: 1, targetIds: ['local'], retentionCount: 6,
    recurring: { enabled: true, intervalHours: 12, cron: null, timeZone: null, anchor: minute(0), firstSlot: 0 },
  },
};

export const directoryCreated: DomainEvent =
  { type: 'TargetCreated', data: { targetId: 'nas', name: 'Shelf', encoding: plainEncoding, kind: 'LOCAL', path: '/mnt/nas' } };

export const one: readonly Part[] = [{ part: 'any', targetIds: ['local', 'nas'] }];

export function requested(parts: readonly Part[] = one, id = snapshotId, kind: 'MANUAL' | 'RECURRING' = 'MANUAL'): DomainEvent {
  return {
    type: 'SnapshotRequested',
    data: {
      snapshotId: id, name: `20261123T060000Z-${id.slice(-6)}`, kind, slot: kind === 'MANUAL' ? null : minute(0),
      idempotencyKey: null, givenName: null, parts,
    },
  };
}

export const started = (attempt = 1, part = 'any', id = snapshotId): DomainEvent =>
  ({ type: 'SnapshotStarted', data: { snapshotId: id, part, attempt, worker: 'w1', leaseMs: 30_000 } });

export const progressed = (bytes: number, totalBytes: number | null, part = 'any'): DomainEvent =>
  ({ type: 'SnapshotProgressed', data: { snapshotId, part, attempt: 1, bytes, totalBytes } });

export function facts(takenAt = minute(3), revision = 42): ReadFacts {
  return { takenAt, revision, keyCount: 7, dbSize: 4096, sha256: 'ab'.repeat(32), etcdVersion: '3.4.23', member: 'etcd-1', durationMs: 900 };
}

export function copy(targetId = 'local', node: string | null = null): StoredCopyFact {
  return {
    targetId, node, storedOn: 'n1', keys: [{ key: 'prod/x/1/snapshot.db', versionId: null }], location: `/${targetId}/prod/x/1/snapshot.db`,
    encoding: [], storedSize: 4096,
    storedSha256: 'cd'.repeat(32), storedAt: minute(4), verification: 'STRUCTURE_OK',
  };
}

export const failedCopy = (targetId: string, node: string | null = null): FailedCopyFact =>
  ({ targetId, node, failure: { step: 'COMMIT', code: 'DISK_FULL', message: 'no space left on nas; free some' } });

export interface Outcome {
  readonly id?: string;
  readonly copies: readonly StoredCopyFact[];
  readonly failedCopies?: readonly FailedCopyFact[];
  readonly read?: ReadFacts;
}

/** The append that ends a snapshot of one part. */
export function taken({ id = snapshotId, copies, failedCopies = [], read = facts() }: Outcome): DomainEvent[] {
  return [
    { type: 'SnapshotPartTaken', data: { snapshotId: id, part: 'any', attempt: 1, facts: read, copies, failedCopies } },
    { type: 'SnapshotTaken', data: { snapshotId: id, outcome: failedCopies.length > 0 ? 'PARTIAL' : 'TAKEN', facts: read, copies, failedCopies } },
  ];
}

const copyId = (targetId: string, node: string | null, id: string): { snapshotId: string; targetId: string; node: string | null } =>
  ({ snapshotId: id, targetId, node });

export function pruned(targetId: string, id = snapshotId): DomainEvent[] {
  return [
    { type: 'SnapshotPruneRequested', data: { ...copyId(targetId, null, id), storedOn: 'n1', keys: [{ key: 'k', versionId: null }], reason: 'RETENTION' } },
    { type: 'SnapshotPruned', data: { ...copyId(targetId, null, id), reason: 'RETENTION' } },
  ];
}
