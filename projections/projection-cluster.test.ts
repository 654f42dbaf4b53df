// The row of a cluster, and the history's sentences: given(events) → rows.
import { describe, expect, test } from '@jest/globals';
import type { DomainEvent } from '../events/catalogue.js';
import { clusterEventSchemas } from '../events/cluster-events.js';
import {
  cluster, connection, copy, facts, failedCopy, failure, minute, policy, positionAt, progressed, pruned, registered, requested, snapshotId, started, stored, taken,
} from './event-samples.fixture.js';
import { noRows, project } from './projection.js';
import type { ClusterRow } from './read-model.js';

const given = (...events: readonly DomainEvent[]): ClusterRow | undefined => project(stored([registered, ...events]), noRows()).clusters[0];

const joined: DomainEvent = { type: 'AgentJoined', data: { node: 'etcd-1', worker: 'w1', endpoint: 'https://etcd-1:2379' } };
const left: DomainEvent = { type: 'AgentLeft', data: { node: 'etcd-1', worker: 'w1' } };
const observed: DomainEvent = {
  type: 'MembersObserved', data: { members: [{ memberId: 'a1', name: 'etcd-1', clientUrls: ['https://etcd-1:2379'], learner: false }] },
};

const by = (event: typeof joined | typeof left, worker: string) => ({ ...event, data: { ...event.data, worker } }) as DomainEvent;

describe('the row of a cluster', () => {
  test('has no policy until one is saved', () => {
    expect(given()).toEqual({
      clusterId: cluster, name: 'Production', endpoints: connection.endpoints, registeredAt: minute(1), removedAt: null, members: [], agents: [], policy: null, position: positionAt(1),
    });
    expect(given(policy)?.policy).toMatchObject({ revision: 1, updatedAt: minute(2), updatedBy: 'ada', targetIds: ['local'], retentionCount: 6 });
  });

  test('follows its name, endpoints and removal', () => {
    const updated: DomainEvent = { type: 'ClusterUpdated', data: { name: 'Old', connection: { ...connection, endpoints: ['http://b:2379'] } } };
    expect(given(updated)).toMatchObject({ name: 'Old', endpoints: ['http://b:2379'], registeredAt: minute(1), removedAt: null });
    expect(given({ type: 'ClusterRemoved', data: {} })?.removedAt).toBe(minute(2));
  });

  test.each([
    ['joined before its member was seen', [joined, observed], true], ['joined after it', [observed, joined], true],
    ['left', [observed, joined, left], false], ['never joined', [observed], false],
    ['left for a member that is gone', [observed, joined, { ...observed, data: { members: [] } }, left, observed], false],
    ['left by a worker that another had followed', [observed, joined, by(joined, 'w2'), left], true],
    ['left by the worker that had followed another', [observed, joined, by(joined, 'w2'), by(left, 'w2')], false],
  ] as [string, DomainEvent[], boolean][])('knows a node whose agent has %s', (_, events, agent) => {
    expect(given(...events)?.members).toEqual([{ memberId: 'a1', name: 'etcd-1', clientUrls: ['https://etcd-1:2379'], agent }]);
  });
});

describe('the history', () => {
  const copyId = { snapshotId, targetId: 'nas', node: null };
  const events: readonly DomainEvent[] = [
    registered, { type: 'ClusterUpdated', data: { name: 'Old', connection } }, observed, joined, left, policy,
    requested(), requested(undefined, `${cluster}.B2`, 'RECURRING'), { type: 'SnapshotSkipped', data: { slot: minute(5), reason: 'REQUEST_OPEN' } },
    started(), progressed(1, 2), { type: 'SnapshotPartFailed', data: { snapshotId, part: 'any', attempt: 1, failure, retryAfterMs: 5000 } },
    ...taken({ copies: [copy('local')], failedCopies: [failedCopy('nas')], read: facts() }),
    { type: 'SnapshotCopyFailed', data: { ...copyId, failure, retryAfterMs: null } }, { type: 'SnapshotCopyStored', data: { snapshotId, copy: copy('nas') } },
    { type: 'SnapshotVerified', data: { ...copyId, level: 'READ_BACK' } }, { type: 'SnapshotPinned', data: { snapshotId } },
    { type: 'SnapshotUnpinned', data: { snapshotId } }, { type: 'SnapshotPruneFailed', data: { ...copyId, failure, retryAfterMs: 1000 } },
    ...pruned('nas'), { type: 'SnapshotFailed', data: { snapshotId: `${cluster}.B2`, failure } }, { type: 'ClusterRemoved', data: {} },
  ];
  const { history } = project(stored(events), noRows());

  test('has one entry for each event but progress, of every type', () => {
    expect(history.map(({ type }) => type)).toEqual(events.map(({ type }) => type).filter((type) => type !== 'SnapshotProgressed'));
    expect(new Set([...history.map(({ type }) => type), 'SnapshotProgressed'])).toEqual(new Set(Object.keys(clusterEventSchemas)));
  });

  test('says each in one sentence', () => {
    expect(history.map(({ summary }) => summary).filter((summary) => !/^[A-Z][^\n]*\.$/.test(summary) || /undefined|null|\[object/.test(summary))).toEqual([]);
    const summaries = new Map(history.map(({ type, summary }) => [type, summary]));
    expect(summaries.get('PolicyUpdated')).toBe('Policy revision 1: a snapshot every 12 hours, keep 6 on local.');
    expect(summaries.get('SnapshotTaken')).toBe(`Snapshot of ${minute(3)} stored on local; not yet on nas.`);
    expect(summaries.get('SnapshotPruned')).toBe('The copy on nas was deleted by the retention rule.');
    const abandoned: DomainEvent = { type: 'SnapshotPruned', data: { snapshotId, targetId: 'local', node: 'n1', reason: 'ABANDONED' } };
    expect(project(stored([registered, requested(), abandoned]), noRows()).history.at(-1)?.summary).toMatch(/^The copy on local of node n1 was given up on request/);
    expect(summaries.get('SnapshotPartFailed')).toMatch(/^Attempt 1 failed at STREAM with STREAM_BROKEN: .* it is tried again in 5 s\.$/);
  });

  test('names who, when and which snapshot', () => {
    expect(history.at(-1)).toMatchObject({ clusterId: cluster, actor: 'ada', at: minute(events.length), snapshotId: null, data: {} });
    expect(history.find(({ type }) => type === 'SnapshotPinned')).toMatchObject({ snapshotId, data: { snapshotId } });
  });
});
