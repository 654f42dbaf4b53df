// Events of S3 targets and of snapshots stored on them, for the tests of their secrets, and a way to append them.
// Only what bears upon secrets varies.
import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '../../events/catalogue.js';
import type { FailedCopyFact, ReadFacts, StoredCopyFact } from '../../events/cluster-events.js';
import type { EventStore } from '../../events/event-store.js';
import type { S3Settings } from '../../events/target-events.js';
import { plainEncoding } from '../../events/target-events.js';

const time = '2026-11-23T06:00:00.000Z';
const failure = { step: 'COMMIT', code: 'STORE_FAILED', message: 'the store answered 500' } as const;
const facts: ReadFacts = {
  takenAt: time, revision: 1, keyCount: 1, dbSize: 4096, sha256: 'ab'.repeat(32), etcdVersion: '3.4.23', member: 'etcd-1', durationMs: 1,
};

const settings = (secretRef: string | null): S3Settings => ({
  region: null, endpoint: null, addressing: 'AUTO', ca: null, proxy: null, requestTimeoutSeconds: 30, checksumMode: 'AUTO',
  serverSideEncryption: 'NONE', kmsKeyId: null, storageClass: null, accessKeyHint: secretRef && 'A1B2', secretRef,
});

export const s3Created = (targetId: string, secretRef: string | null): DomainEvent => ({
  type: 'TargetCreated',
  data: { targetId, name: targetId, encoding: plainEncoding, kind: 'S3', bucket: 'backups', folder: '', settings: settings(secretRef) },
});
export const localCreated = (targetId: string): DomainEvent =>
  ({ type: 'TargetCreated', data: { targetId, name: targetId, encoding: plainEncoding, kind: 'LOCAL', path: `/mnt/${targetId}` } });
export const updated = (secretRef: string | null): DomainEvent =>
  ({ type: 'TargetUpdated', data: { name: 'renamed', encoding: plainEncoding, settings: settings(secretRef) } });
export const retired: DomainEvent = { type: 'TargetRetired', data: {} };

export const requested = (snapshotId: string, ...targetIds: string[]): DomainEvent => ({
  type: 'SnapshotRequested',
  data: { snapshotId, name: snapshotId, kind: 'MANUAL', slot: null, idempotencyKey: null, givenName: null, parts: [{ part: 'any', targetIds }] },
});
export const taken = (snapshotId: string, stored: readonly string[], failed: readonly string[] = []): DomainEvent => ({
  type: 'SnapshotTaken',
  data: {
    snapshotId, outcome: failed.length === 0 ? 'TAKEN' : 'PARTIAL', facts, copies: stored.map(copy),
    failedCopies: failed.map((targetId): FailedCopyFact => ({ targetId, node: null, failure })),
  },
});
export const failed = (snapshotId: string): DomainEvent => ({ type: 'SnapshotFailed', data: { snapshotId, failure } });
export const copyStored = (snapshotId: string, targetId: string): DomainEvent =>
  ({ type: 'SnapshotCopyStored', data: { snapshotId, copy: copy(targetId) } });
export const pruneRequested = (snapshotId: string, targetId: string): DomainEvent =>
  ({ type: 'SnapshotPruneRequested', data: { snapshotId, targetId, node: null, storedOn: null, keys: copy(targetId).keys, reason: 'DELETED' } });
export const pruned = (snapshotId: string, targetId: string): DomainEvent =>
  ({ type: 'SnapshotPruned', data: { snapshotId, targetId, node: null, reason: 'DELETED' } });

function copy(targetId: string): StoredCopyFact {
  return {
    targetId, node: null, storedOn: null, keys: [{ key: 'a/b/1/snapshot.db', versionId: null }], location: `s3://backups/${targetId}`,
    encoding: [], storedSize: 4096, storedSha256: 'cd'.repeat(32), storedAt: time, verification: 'STRUCTURE_OK',
  };
}

/** Appends behind what the stream holds. */
export async function append(store: EventStore, stream: string, ...events: readonly DomainEvent[]): Promise<void> {
  let revision: number | 'none' = 'none';
  for await (const stored of store.readStream(stream)) revision = stored.revision;
  const context = { actor: 'test', correlationId: 'c', causationId: 'c' };
  await store.append(stream, revision, events.map((event) => ({ id: randomUUID(), time, context, event })));
}
