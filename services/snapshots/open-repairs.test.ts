import { describe, expect, test } from '@jest/globals';
import type { ClusterEvent, FailedCopyFact, ReadFacts, StoredCopyFact } from '../../events/cluster-events.js';
import { createOpenRepairs } from './open-repairs.js';

const facts: ReadFacts = {
  takenAt: '2026-11-23T06:00:00.000Z', revision: 9, keyCount: 3, dbSize: 8192, sha256: 'ab', etcdVersion: '3.5.0', member: 'm1', durationMs: 5,
};
const failure = { step: 'COMMIT', code: 'DISK_FULL', message: 'full' } as const;
const stored = (targetId: string): StoredCopyFact => ({
  targetId, node: null, storedOn: 'n1', keys: [], location: `/${targetId}`, encoding: [], storedSize: 1, storedSha256: 'ab',
  storedAt: facts.takenAt, verification: 'STRUCTURE_OK',
});
const failed = (targetId: string): FailedCopyFact => ({ targetId, node: null, failure });

const requested: ClusterEvent = {
  type: 'SnapshotRequested',
  data: { snapshotId: 'a.1', name: 'first', kind: 'MANUAL', slot: null, idempotencyKey: null, givenName: null, parts: [{ part: 'any', targetIds: ['x', 'y', 'z'] }] },
};
const partTaken: ClusterEvent = {
  type: 'SnapshotPartTaken', data: { snapshotId: 'a.1', part: 'any', attempt: 2, facts, copies: [stored('x')], failedCopies: [failed('y'), failed('z')] },
};
const taken: ClusterEvent = {
  type: 'SnapshotTaken', data: { snapshotId: 'a.1', outcome: 'PARTIAL', facts, copies: [stored('x')], failedCopies: [failed('y'), failed('z')] },
};
const copyStored = (targetId: string, folder = ''): ClusterEvent => (
  { type: 'SnapshotCopyStored', data: { snapshotId: 'a.1', copy: { ...stored(targetId), keys: [{ key: `${folder}/snapshot.db`, versionId: null }] } } });
const copyFailed = (targetId: string, retryAfterMs: number | null): ClusterEvent =>
  ({ type: 'SnapshotCopyFailed', data: { snapshotId: 'a.1', targetId, node: null, failure, retryAfterMs } });
const pruneRequested = (reason: 'RETENTION' | 'DELETED'): ClusterEvent =>
  ({ type: 'SnapshotPruneRequested', data: { snapshotId: 'a.1', targetId: 'x', node: null, storedOn: 'n1', keys: [], reason } });

/** One event a second, from second 0 on; the first repair is due after 60 s. */
function given(...events: ClusterEvent[]) {
  const repairs = createOpenRepairs(60_000, 'n1');
  events.forEach((event, revision) => repairs.apply('a', event, { revision, now: revision * 1000 }));
  return repairs;
}

describe('the copies to be made up for', () => {
  test('are those that failed, once the snapshot has ended', () => {
    expect(given(requested, partTaken).due()).toEqual([]);
    expect(given(requested, partTaken, taken).due()).toMatchObject([
      { clusterId: 'a', snapshotId: 'a.1', name: 'first', part: 'any', attempt: 2, facts, targetId: 'y', failures: 0, notBefore: 62_000 },
      { targetId: 'z', notBefore: 62_000 },
    ]);
  });

  test('are none of a snapshot that failed as a whole', () => {
    const ended: ClusterEvent = { type: 'SnapshotFailed', data: { snapshotId: 'a.1', failure } };
    expect(given(requested, partTaken, ended, taken).due()).toEqual([]);
  });

  test('wait for their pause after each failure, and are given up when there is none', () => {
    expect(given(requested, partTaken, taken, copyFailed('y', 5000)).due()).toMatchObject([{ targetId: 'y', failures: 1, notBefore: 8000 }, { targetId: 'z', failures: 0 }]);
    expect(given(requested, partTaken, taken, copyFailed('y', 5000), copyFailed('y', null)).due()).toMatchObject([{ targetId: 'z' }]);
  });

  test('are done when they are stored, or when the snapshot is to be deleted, but not when a copy is pruned by count', () => {
    expect(given(requested, partTaken, taken, copyStored('y')).due()).toMatchObject([{ targetId: 'z' }]);
    expect(given(requested, partTaken, taken, pruneRequested('DELETED')).due()).toEqual([]);
    expect(given(requested, partTaken, taken, pruneRequested('RETENTION')).due()).toHaveLength(2);
  });
});

describe('of a snapshot of several nodes', () => {
  const parts = ['n1', 'n2', 'n3'].map((part) => ({ part, targetIds: ['local', 's3'] }));
  const asked: ClusterEvent = {
    type: 'SnapshotRequested', data: { snapshotId: 'a.1', name: 'first', kind: 'MANUAL', slot: null, idempotencyKey: null, givenName: null, parts },
  };
  const claimed = (part: string): ClusterEvent => ({ type: 'SnapshotStarted', data: { snapshotId: 'a.1', part, attempt: 1, worker: `w-${part}`, leaseMs: 1 } });
  const own = (node: string): StoredCopyFact => ({ ...stored('local'), node, storedOn: node });
  const read = (part: string, failedCopies: readonly FailedCopyFact[] = []): ClusterEvent =>
    ({ type: 'SnapshotPartTaken', data: { snapshotId: 'a.1', part, attempt: 1, facts: { ...facts, sha256: part }, copies: [own(part)], failedCopies } });
  const end = (...failedCopies: readonly FailedCopyFact[]): ClusterEvent =>
    ({ type: 'SnapshotTaken', data: { snapshotId: 'a.1', outcome: 'PARTIAL', facts, copies: [own('n2'), own('n3')], failedCopies } });
  const onN1: FailedCopyFact = { targetId: 'local', node: 'n1', failure };

  test('a copy that its part could not store is made from that part\'s read', () => {
    expect(given(asked, claimed('n3'), read('n3'), claimed('n2'), read('n2', [failed('s3')]), end(failed('s3'))).due()).toMatchObject([
      { part: 'n2', targetId: 's3', node: null, facts: { sha256: 'n2' }, readBy: 'w-n2', storedOn: ['n2'] },
    ]);
  });
  test('a copy of no node whose part failed is made from the first read there is, a node\'s own copy from none', () => {
    expect(given(asked, claimed('n1'), claimed('n3'), read('n3'), claimed('n2'), read('n2'), end(failed('s3'), onN1)).due()).toMatchObject([
      { part: 'n3', targetId: 's3', node: null, facts: { sha256: 'n3' }, readBy: 'w-n3', storedOn: ['n3'] },
    ]);
  });
  test('what was made up for can be read back for the next of the same read', () => {
    const repairs = given(asked, claimed('n2'), read('n2', [failed('s3'), failed('s4')]), end(failed('s3'), failed('s4')),
      { type: 'SnapshotCopyStored', data: { snapshotId: 'a.1', copy: { ...stored('s3'), storedOn: null } } });
    expect(repairs.due()).toMatchObject([{ targetId: 's4', storedOn: ['n2', null] }]);
  });
  test('nothing is made up for once the snapshot was given up', () => {
    const pruned: ClusterEvent = { type: 'SnapshotPruned', data: { snapshotId: 'a.1', targetId: 'local', node: 'n3', reason: 'ABANDONED' } };
    expect(given(asked, claimed('n2'), read('n2', [failed('s3')]), end(failed('s3')), pruned).due()).toEqual([]);
  });
});

describe('what the failed copies may have left', () => {
  const foldersOf = (repairs: ReturnType<typeof given>): string[] => repairs.takeLeftovers().map(({ folder }) => folder).sort();

  test('is swept once none of the attempt is open any more, and told once', () => {
    const repairs = given(requested, partTaken, taken, copyStored('y', 'backups/a/first/2-repair-1-n1'));
    expect(repairs.takeLeftovers()).toEqual([]);
    repairs.apply('a', copyStored('z', 'a/first/2-repair-1-n1'), { revision: 9, now: 9000 });
    expect(repairs.takeLeftovers()).toEqual([{ folder: 'a/first/2', targetIds: ['y', 'z'] }]);
    expect(repairs.takeLeftovers()).toEqual([]);
  });

  test('is swept of each repair before the one that stored the copy, whose keys are its own', () => {
    const repairs = given(requested, partTaken, taken, copyFailed('y', 5000), copyFailed('y', 5000), copyStored('y', 'a/first/2-repair-3-n1'));
    expect(repairs.takeLeftovers()).toEqual([{ folder: 'a/first/2-repair-1-n1', targetIds: ['y'] }, { folder: 'a/first/2-repair-2-n1', targetIds: ['y'] }]);
  });

  test('is swept of the last repair too where it was the last to fail, or where the snapshot is deleted while it runs', () => {
    expect(foldersOf(given(requested, partTaken, taken, copyFailed('y', 5000), copyFailed('y', null)))).toEqual(['a/first/2-repair-1-n1', 'a/first/2-repair-2-n1']);
    const deleted = given(requested, partTaken, taken, copyFailed('y', 5000), pruneRequested('DELETED'));
    expect(foldersOf(deleted)).toEqual(['a/first/2', 'a/first/2-repair-1-n1', 'a/first/2-repair-1-n1', 'a/first/2-repair-2-n1']);
  });

  test('is swept of the last repair too where another node stored the copy', () => {
    expect(foldersOf(given(requested, partTaken, taken, copyStored('y', 'a/first/2-repair-1-n2')))).toEqual(['a/first/2-repair-1-n1']);
  });
});
