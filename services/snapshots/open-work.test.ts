import { describe, expect, test } from '@jest/globals';
import type { ClusterEvent, ReadFacts } from '../../events/cluster-events.js';
import { createOpenWork } from './open-work.js';

const facts: ReadFacts = {
  takenAt: '2026-11-23T06:00:00.000Z', revision: 9, keyCount: 3, dbSize: 8192, sha256: 'ab', etcdVersion: '3.5.0', member: 'm1', durationMs: 5,
};
const failure = { step: 'STREAM', code: 'STREAM_BROKEN', message: 'cut' } as const;

const requested = (snapshotId: string): ClusterEvent => ({
  type: 'SnapshotRequested',
  data: {
    snapshotId, name: `name-${snapshotId}`, kind: 'MANUAL', slot: null, idempotencyKey: null, givenName: null,
    parts: [{ part: 'any', targetIds: ['local', 'nas'] }],
  },
});
const started = (snapshotId: string, attempt: number): ClusterEvent => ({
  type: 'SnapshotStarted', data: { snapshotId, part: 'any', attempt, worker: 'w1', leaseMs: 30_000 },
});
const partFailed = (snapshotId: string, attempt: number, retryAfterMs: number | null): ClusterEvent => ({
  type: 'SnapshotPartFailed', data: { snapshotId, part: 'any', attempt, failure, retryAfterMs },
});
const taken = (snapshotId: string): ClusterEvent[] => [
  { type: 'SnapshotPartTaken', data: { snapshotId, part: 'any', attempt: 1, facts, copies: [], failedCopies: [] } },
  { type: 'SnapshotTaken', data: { snapshotId, outcome: 'TAKEN', facts, copies: [], failedCopies: [] } },
];
const pruneRequested: ClusterEvent = {
  type: 'SnapshotPruneRequested',
  data: { snapshotId: 'a.1', targetId: 'local', node: null, storedOn: 'n1', keys: [{ key: 'a/x/1/snapshot.db', versionId: null }], reason: 'RETENTION' },
};

function given(...events: ClusterEvent[]) {
  const work = createOpenWork();
  events.forEach((event, revision) => work.apply('a', event, { revision, now: revision * 1000 }));
  return work;
}

describe('the parts to read', () => {
  test('are free until they are claimed', () => {
    expect(given(requested('a.1')).parts()).toMatchObject([{ snapshotId: 'a.1', attempt: 0, claimedBy: null, notBefore: 0 }]);
  });

  test('are those of the oldest open snapshot of a cluster', () => {
    expect(given(requested('a.1'), requested('a.2')).parts().map(({ snapshotId }) => snapshotId)).toEqual(['a.1']);
    expect(given(requested('a.1'), requested('a.2'), started('a.1', 1), ...taken('a.1')).parts()).toMatchObject([{ snapshotId: 'a.2' }]);
  });

  test('show whose claim stands, and the latest sign of life', () => {
    const progressed: ClusterEvent = { type: 'SnapshotProgressed', data: { snapshotId: 'a.1', part: 'any', attempt: 1, bytes: 1, totalBytes: 2 } };
    expect(given(requested('a.1'), started('a.1', 1), progressed).parts()).toMatchObject([
      { attempt: 1, claimedBy: 'w1', leaseMs: 30_000, sign: { revision: 2, seenAt: 2000 } },
    ]);
  });

  test('wait for their pause after a failure, counted from when it was seen', () => {
    expect(given(requested('a.1'), started('a.1', 1), partFailed('a.1', 1, 5000)).parts()).toMatchObject([{ claimedBy: null, notBefore: 7000 }]);
  });

  test('are open since no older snapshot of the cluster is', () => {
    const both = given(requested('a.1'), requested('a.2'), started('a.1', 1));
    expect(both.parts()).toMatchObject([{ snapshotId: 'a.1', openSince: 0 }]);
    both.apply('a', { type: 'SnapshotFailed', data: { snapshotId: 'a.1', failure } }, { revision: 3, now: 9000 });
    expect(both.parts()).toMatchObject([{ snapshotId: 'a.2', openSince: 9000 }]);
  });

  test('are gone when they failed for good', () => {
    const ended: ClusterEvent = { type: 'SnapshotFailed', data: { snapshotId: 'a.1', failure } };
    expect(given(requested('a.1'), started('a.1', 1), partFailed('a.1', 1, null), ended).parts()).toEqual([]);
  });
});

describe('what is left to sweep', () => {
  const folders = (work: ReturnType<typeof given>) => work.takeLeftovers().map(({ folder }) => folder);

  test('is nothing of a running or a taken attempt', () => {
    expect(folders(given(requested('a.1'), started('a.1', 1)))).toEqual([]);
    expect(folders(given(requested('a.1'), started('a.1', 1), ...taken('a.1')))).toEqual([]);
  });

  test('is a failed attempt and one that was taken over, on every target of the part', () => {
    const work = given(requested('a.1'), started('a.1', 1), started('a.1', 2), partFailed('a.1', 2, 1000));
    expect(work.takeLeftovers()).toEqual([
      { folder: 'a/name-a.1/1', targetIds: ['local', 'nas'] }, { folder: 'a/name-a.1/2', targetIds: ['local', 'nas'] },
    ]);
  });

  test('is handed out once', () => {
    const work = given(requested('a.1'), started('a.1', 1), partFailed('a.1', 1, 1000));
    expect(folders(work)).toEqual(['a/name-a.1/1']);
    expect(folders(work)).toEqual([]);
  });

  test('is the running attempt of a snapshot that ended without it, as when its cluster is removed', () => {
    const ended: ClusterEvent = { type: 'SnapshotFailed', data: { snapshotId: 'a.1', failure } };
    expect(folders(given(requested('a.1'), started('a.1', 1), ended))).toEqual(['a/name-a.1/1']);
  });
});

describe('the intents to prune', () => {
  test('stand until they are carried out', () => {
    const pruned: ClusterEvent = { type: 'SnapshotPruned', data: { snapshotId: 'a.1', targetId: 'local', node: null, reason: 'RETENTION' } };
    expect(given(pruneRequested).prunes()).toMatchObject([{ clusterId: 'a', failures: 0, notBefore: 0 }]);
    expect(given(pruneRequested, pruned).prunes()).toEqual([]);
  });

  test('wait for their pause after a failure, and count it', () => {
    const failed: ClusterEvent = {
      type: 'SnapshotPruneFailed', data: { snapshotId: 'a.1', targetId: 'local', node: null, failure, retryAfterMs: 5000 },
    };
    expect(given(pruneRequested, failed).prunes()).toMatchObject([{ failures: 1, notBefore: 6000 }]);
  });
});
