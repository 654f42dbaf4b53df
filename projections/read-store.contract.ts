// What every read store adapter must do, as tests to be registered by the adapter's own test file.
// Knows nothing of files or plans; what only one adapter promises is tested beside that adapter.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DomainEvent } from '../events/catalogue.js';
import { plainEncoding } from '../events/target-events.js';
import {
  cluster, copy, facts, failedCopy, minute, policy, positionAt, pruned, registered, requested, snapshotId, started, stored, taken,
} from './event-samples.fixture.js';
import { noRows, project } from './projection.js';
import type { SnapshotRow } from './read-model.js';
import type { ReadStore, ReadStoreSource, RowChanges, SnapshotFilter } from './read-store.js';

export interface ReadStoreFixture {
  /** Opens the same store each time, with everything that was committed before. */
  open(source: ReadStoreSource): Promise<ReadStore>;
  dispose(): Promise<void>;
}

const source: ReadStoreSource = { eventStoreId: 'log-1', localPath: '/var/snapshots' };
const changesOf = (events: readonly DomainEvent[], from = 1): RowChanges => project(stored(events, from), noRows());
const nothing: RowChanges = { clusters: [], targets: [], snapshots: [], history: [] };
const idOf = (n: number): string => `${cluster}.${String(n).padStart(26, '0')}`;

/** Ten snapshots, two at each minute past 100, oldest first: 0 and 1 wait, 2 failed half, 3 gone, then taken; every third recurring. */
function tenSnapshots(): RowChanges {
  const events = Array.from({ length: 10 }, (_, n): DomainEvent[] => {
    const id = idOf(n);
    const targetIds = n % 2 === 0 ? ['local', 'nas'] : ['local'];
    const request = requested([{ part: 'any', targetIds }], id, n % 3 === 0 ? 'RECURRING' : 'MANUAL');
    const read = facts(minute(100 + Math.floor(n / 2)), n);
    const copies = targetIds.map((targetId) => copy(targetId));
    if (n < 2) return [request];
    if (n === 2) return [request, started(1, 'any', id), ...taken({ id, copies: [copy('local')], failedCopies: [failedCopy('nas')], read })];
    return [request, started(1, 'any', id), ...taken({ id, copies, read }), ...(n === 3 ? pruned('local', id) : [])];
  });
  return changesOf(events.flat());
}

export function readStoreContract(name: string, arrange: () => Promise<ReadStoreFixture>): void {
  describe(`read store: ${name}`, () => {
    let fixture: ReadStoreFixture;
    let store: ReadStore;
    beforeEach(async () => {
      fixture = await arrange();
      store = await fixture.open(source);
    });
    afterEach(async () => {
      await store.close();
      await fixture.dispose();
    });

    describe('commits', () => {
      test('rows and checkpoint together, kept over a restart', async () => {
        const changes = changesOf([registered, policy, requested()]);
        expect(await store.checkpoint()).toBeNull();
        expect(await store.commit(changes, null, positionAt(3))).toBe(true);
        await store.close();
        store = await fixture.open(source);
        expect(await store.checkpoint()).toBe(positionAt(3));
        expect(await store.cluster(cluster)).toEqual(changes.clusters[0]);
        expect(await store.snapshot(snapshotId)).toEqual(changes.snapshots[0]);
      });

      test('nothing where the checkpoint has moved on', async () => {
        await store.commit(changesOf([registered]), null, positionAt(1));
        expect(await store.commit(changesOf([requested()], 2), null, positionAt(2))).toBe(false);
        expect([await store.checkpoint(), await store.snapshot(snapshotId)]).toEqual([positionAt(1), null]);
      });

      test('the same rows again without counting them twice', async () => {
        const changes = changesOf([registered, requested()]);
        await store.commit(changes, null, positionAt(1));
        await store.commit(changes, positionAt(1), positionAt(2));
        expect(await store.countSnapshots(cluster)).toBe(1);
        expect((await store.history({ clusterId: cluster, first: 10 })).rows).toHaveLength(2);
      });

      test('is emptied when it showed another log', async () => {
        await store.commit(changesOf([registered, requested()]), null, positionAt(2));
        await store.close();
        store = await fixture.open({ ...source, eventStoreId: 'log-2' });
        expect([await store.checkpoint(), await store.cluster(cluster), await store.countSnapshots(cluster)]).toEqual([null, null, 0]);
      });
    });

    describe('clusters and targets', () => {
      const named = (clusterId: string): RowChanges['clusters'][number][] =>
        changesOf([registered]).clusters.map((row) => ({ ...row, clusterId, removedAt: clusterId === 'gone' ? minute(9) : null }));

      test('lists clusters by id without removed ones, which still answer', async () => {
        await store.commit({ ...nothing, clusters: ['c', 'a', 'gone', 'b'].flatMap(named) }, null, positionAt(1));
        const first = await store.clusters({ first: 2 });
        expect([first.rows.map(({ clusterId }) => clusterId), first.hasNext, first.hasPrevious]).toEqual([['a', 'b'], true, false]);
        const next = await store.clusters({ first: 2, after: 'b' });
        expect([next.rows.map(({ clusterId }) => clusterId), next.hasNext, next.hasPrevious]).toEqual([['c'], false, true]);
        expect(await store.countClusters()).toBe(3);
        expect((await store.clustersByIds(['gone', 'none', 'a'])).map((row) => row?.clusterId)).toEqual(['gone', undefined, 'a']);
      });

      test('always has the target local, first in a list without retired targets', async () => {
        expect(await store.targets()).toEqual([{ targetId: 'local', name: 'local', kind: 'LOCAL', path: '/var/snapshots', encoding: plainEncoding, retiredAt: null, position: '' }]);
        const target = (targetId: string, retiredAt: string | null): RowChanges['targets'][number] =>
          ({ targetId, name: targetId, kind: 'LOCAL', path: `/mnt/${targetId}`, encoding: plainEncoding, retiredAt, position: positionAt(1) });
        await store.commit({ ...nothing, targets: [target('b', null), target('a', null), target('c', minute(1))] }, null, positionAt(1));
        expect((await store.targets()).map(({ targetId }) => targetId)).toEqual(['local', 'a', 'b']);
        expect(await store.target('c')).toMatchObject({ retiredAt: minute(1) });
        expect((await store.targetsByIds(['none', 'a'])).map((row) => row?.targetId)).toEqual([undefined, 'a']);
      });
    });

    describe('snapshots', () => {
      let all: readonly SnapshotRow[];
      beforeEach(async () => {
        const changes = tenSnapshots();
        all = [...changes.snapshots].reverse();
        await store.commit(changes, null, positionAt(100));
      });

      const inRange = ({ takenAt }: SnapshotRow, { takenAfter, takenBefore }: SnapshotFilter): boolean => {
        if (takenAfter === undefined && takenBefore === undefined) return true;
        return takenAt !== null && takenAt >= (takenAfter ?? '') && takenAt < (takenBefore ?? '~');
      };
      const matches = (row: SnapshotRow, filter: SnapshotFilter): boolean => (filter.states?.includes(row.state) ?? true)
        && (filter.kinds?.includes(row.kind) ?? true) && inRange(row, filter)
        && (filter.targetId === undefined || row.copies.some(({ targetId }) => targetId === filter.targetId));

      const filters: readonly [string, SnapshotFilter][] = [
        ['nothing', {}], ['states', { states: ['TAKEN', 'PARTIAL'] }], ['a state that none is in', { states: ['RUNNING'] }],
        ['a state named twice', { states: ['TAKEN', 'TAKEN'] }], ['no state at all', { states: [] }], ['kinds', { kinds: ['RECURRING'] }],
        ['a target', { targetId: 'nas' }], ['an unknown target', { targetId: 'none' }], ['taken from an instant on', { takenAfter: minute(103) }],
        ['taken before an instant', { takenBefore: minute(103) }], ['an empty range', { takenAfter: minute(103), takenBefore: minute(103) }],
        ['a range', { takenAfter: minute(101), takenBefore: minute(104) }],
        ['a range over days', { takenAfter: '2026-11-21T00:00:00.000Z', takenBefore: '2026-11-25T00:00:00.000Z' }],
        ['a range of other days', { takenAfter: '2026-11-25T00:00:00.000Z' }],
        ['everything together', { states: ['TAKEN'], kinds: ['MANUAL'], targetId: 'nas', takenAfter: minute(102), takenBefore: minute(110) }],
      ];
      test.each(filters)('pages through %s without gap or repeat, counted and with truthful ends', async (_, filter) => {
        const expected = all.filter((row) => matches(row, filter));
        expect(await store.countSnapshots(cluster, filter)).toBe(expected.length);
        for (let at = 0; at === 0 || at < expected.length; at += 2) {
          const after = at === 0 ? null : expected[at - 1]?.order;
          const page = await store.snapshots({ clusterId: cluster, filter, first: 2, after });
          expect(page.rows).toEqual(expected.slice(at, at + 2));
          expect([page.hasNext, page.hasPrevious]).toEqual([at + 2 < expected.length, at > 0]);
        }
      });

      test('a cursor whose row no longer matches still marks its place', async () => {
        const after = all[4]?.order ?? '';
        const page = await store.snapshots({ clusterId: cluster, filter: { states: ['REQUESTED'] }, first: 5, after });
        expect([page.rows.length, page.hasPrevious]).toEqual([2, false]);
      });

      test('another cluster has none of them', async () => {
        expect(await store.snapshots({ clusterId: 'other', first: 5 })).toEqual({ rows: [], hasNext: false, hasPrevious: false });
        expect(await store.countSnapshots('other')).toBe(0);
      });

      test('counts follow a snapshot from state to state', async () => {
        const row = all.at(-1);
        if (row === undefined) throw new Error('no row');
        await store.commit({ ...nothing, snapshots: [{ ...row, state: 'FAILED' }] }, positionAt(100), positionAt(101));
        expect(await store.countSnapshots(cluster, { states: ['FAILED'] })).toBe(1);
        expect(await store.countSnapshots(cluster, { states: ['REQUESTED'] })).toBe(1);
        expect(await store.countSnapshots(cluster)).toBe(10);
      });

      test('answers ids in their order, unknown ones with null', async () => {
        const rows = await store.snapshotsByIds([idOf(3), 'none', idOf(0)]);
        expect(rows.map((row) => row?.snapshotId ?? null)).toEqual([idOf(3), null, idOf(0)]);
      });

      test('chooses the newest restorable one at an instant, among equals the one requested last', async () => {
        const chosen = async (at: string): Promise<string | undefined> => (await store.snapshotAt(cluster, at))?.snapshotId;
        expect(await chosen(minute(500))).toBe(idOf(9));
        expect(await chosen(minute(103))).toBe(idOf(7));
        expect(await chosen(minute(101))).toBe(idOf(2));
        expect(await chosen(minute(100))).toBeUndefined();
      });

      test('knows the newest verified one of each cluster that has one', async () => {
        expect([...await store.lastVerifiedAt([cluster, 'other'])]).toEqual([[cluster, minute(104)]]);
        const unverified = all.slice(0, 2).map((row) => ({ ...row, copies: row.copies.map((one) => ({ ...one, verification: 'HASH_OK' as const })) }));
        await store.commit({ ...nothing, snapshots: unverified }, positionAt(100), positionAt(101));
        expect([...await store.lastVerifiedAt([cluster])]).toEqual([[cluster, minute(103)]]);
      });
    });

    test('pages through a cluster\'s history, newest first', async () => {
      await store.commit(changesOf([registered, policy, requested()]), null, positionAt(3));
      const first = await store.history({ clusterId: cluster, first: 2 });
      expect([first.rows.map(({ type }) => type), first.hasNext, first.hasPrevious]).toEqual([['SnapshotRequested', 'PolicyUpdated'], true, false]);
      const next = await store.history({ clusterId: cluster, first: 2, after: first.rows[1]?.position });
      expect([next.rows.map(({ type }) => type), next.hasNext, next.hasPrevious]).toEqual([['ClusterRegistered'], false, true]);
    });

    test('what is left of earlier sources may be dropped, again and again, and its own rows stay', async () => {
      await store.commit(changesOf([registered, requested()]), null, positionAt(2));
      await store.dropOlder();
      await store.dropOlder();
      expect([await store.checkpoint(), await store.countSnapshots(cluster)]).toEqual([positionAt(2), 1]);
    });

    test('closing twice does nothing', async () => {
      await store.close();
      await expect(store.close()).resolves.toBeUndefined();
    });
  });
}
