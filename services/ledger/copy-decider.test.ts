import { describe, expect, test } from '@jest/globals';
import type { ClusterCommand } from './cluster-commands.js';
import {
  after, broken, codeOf, copy, facts, failed, manual, recurring, register, savePolicy, slot, start, taken, takenManual, takenRecurring, types, when,
} from './cluster-ledger.fixture.js';
import type { Decision } from './decision.js';
import { isRejection } from './rejection.js';

const two = after([], register({ retentionCount: 2 }));
const of = (id: string, targetId = 'local') => ({ snapshotId: `c.${id}`, targetId, node: null });
const pin = (id: string): ClusterCommand => ({ type: 'PinSnapshot', snapshotId: `c.${id}` });
const remove = (id: string): ClusterCommand => ({ type: 'DeleteSnapshot', snapshotId: `c.${id}` });
const pruned = (id: string): ClusterCommand => ({ type: 'RecordPruned', ...of(id) });
const prunesOf = (decision: Decision) =>
  (isRejection(decision) ? [] : decision).flatMap((event) => (event.type === 'SnapshotPruneRequested' ? [event.data.snapshotId] : []));

describe('retention', () => {
  const full = after(two, ...takenRecurring('a', 1), ...takenRecurring('b', 2));
  const third = after(full, recurring('x', slot(3)), start('x'));

  test('asks for the prune of what is beyond the count, in the append that ends the snapshot', () => {
    expect(when(third, taken('x'))).toMatchObject([{}, { type: 'SnapshotTaken' }, {
      type: 'SnapshotPruneRequested', data: { ...of('a'), keys: [{ key: 'a/snapshot.db', versionId: null }], storedOn: 'n', reason: 'RETENTION' },
    }]);
  });
  test('says nothing after a manual snapshot or a failed one', () => {
    const lowered = after(full, savePolicy({ retentionCount: 1 }));
    expect(prunesOf(when(after(lowered, manual('m'), start('m')), taken('m')))).toEqual([]);
    expect(prunesOf(when(after(lowered, recurring('x', slot(3)), start('x')), failed('x', 1)))).toEqual([]);
  });
  test('lets a lowered count act with the next recurring snapshot only', () => {
    expect(types(when(full, savePolicy({ retentionCount: 1 })))).toEqual(['PolicyUpdated']);
    expect(prunesOf(when(after(full, savePolicy({ retentionCount: 1 }), recurring('x', slot(3)), start('x')), taken('x')))).toEqual(['c.a', 'c.b']);
  });
  test('neither counts nor prunes manual and pinned ones', () => {
    const ledger = after(two, ...takenManual('m'), ...takenRecurring('a', 1), pin('a'), ...takenRecurring('b', 2), ...takenRecurring('d', 3));
    expect(prunesOf(when(after(ledger, recurring('x', slot(4)), start('x')), taken('x')))).toEqual(['c.b']);
  });
  test('asks for no prune twice', () => {
    expect(prunesOf(when(after(third, taken('x'), recurring('y', slot(4)), start('y')), taken('y')))).toEqual(['c.b']);
  });
  test('waits for the verification of what was stored', () => {
    const hashed = after(third, taken('x', 1, [copy('x', 'local', { verification: 'HASH_OK' })]));
    expect(prunesOf(hashed.slice(-1))).toEqual([]);
    const verified = when(hashed, { type: 'RecordVerified', ...of('x'), level: 'STRUCTURE_OK' });
    expect(types(verified)).toEqual(['SnapshotVerified', 'SnapshotPruneRequested']);
    expect(types(when(after(third, taken('x')), { type: 'RecordVerified', ...of('x'), level: 'READ_BACK' }))).toEqual(['SnapshotVerified']);
  });
  test('leaves a target alone that the policy no longer names', () => {
    const moved = after(full, savePolicy({ targetIds: ['nas'] }));
    const three = ['x', 'y', 'z'].flatMap((id, at) => [recurring(id, slot(3 + at)), start(id), taken(id, 1, [copy(id, 'nas')])]);
    expect(after(moved, ...three).filter(({ type }) => type === 'SnapshotPruneRequested')).toMatchObject([{ data: of('x', 'nas') }]);
  });
});

describe('a repair', () => {
  const partial = after([], register({ targetIds: ['local', 'nas'], retentionCount: 1 }), recurring('a', slot(1)), start('a'), {
    type: 'RecordPartTaken', snapshotId: 'c.a', part: 'any', attempt: 1, facts, copies: [copy('a')],
    failedCopies: [{ targetId: 'nas', node: null, failure: broken }],
  });
  const repair: ClusterCommand = { type: 'RecordCopyStored', snapshotId: 'c.a', copy: copy('a', 'nas') };

  test('stores the copy that failed, once', () => {
    expect(types(when(partial, repair))).toEqual(['SnapshotCopyStored']);
    expect(when(after(partial, repair), repair)).toEqual([]);
    expect(codeOf(when(after(partial, repair), { type: 'RecordCopyFailed', ...of('a', 'nas'), failure: broken, retryAfterMs: 5 }))).toBe('CONFLICT');
  });
  test('lets retention speak for its own target, by the ledger\'s order', () => {
    const newer = after(partial, recurring('b', slot(2)), start('b'), taken('b', 1, [copy('b'), copy('b', 'nas')]));
    expect(when(newer, repair)).toMatchObject([{ type: 'SnapshotCopyStored' }, { type: 'SnapshotPruneRequested', data: of('a', 'nas') }]);
  });
  test('is refused once it was given up, so that what it left can be swept', () => {
    const givenUp: ClusterCommand = { type: 'RecordCopyFailed', ...of('a', 'nas'), failure: broken, retryAfterMs: null };
    expect(codeOf(when(after(partial, givenUp), repair))).toBe('CONFLICT');
  });
  test('is refused once the user asked for the deletion', () => {
    expect(codeOf(when(after(partial, remove('a')), repair))).toBe('CONFLICT');
  });
});

describe('deleting a snapshot', () => {
  const stored = after(two, ...takenManual('a'));

  test('is refused while it is pinned, queued or running', () => {
    expect(codeOf(when(after(stored, pin('a')), remove('a')))).toBe('PINNED');
    expect(codeOf(when(after(stored, manual('b')), remove('b')))).toBe('IN_PROGRESS');
    expect(codeOf(when(after(stored, manual('b'), start('b')), remove('b')))).toBe('IN_PROGRESS');
    expect(codeOf(when(stored, remove('z')))).toBe('NOT_FOUND');
  });
  test('is refused where nothing was stored', () => {
    expect(codeOf(when(after(two, manual('b'), start('b'), failed('b', 1)), remove('b')))).toBe('CONFLICT');
  });
  test('is an intent for each stored copy, and then done', () => {
    const asked = after(stored, remove('a'));
    expect(asked.at(-1)).toMatchObject({ type: 'SnapshotPruneRequested', data: { ...of('a'), reason: 'DELETED' } });
    expect(when(asked, remove('a'))).toEqual([]);
    expect(when(after(asked, pruned('a')), remove('a'))).toEqual([]);
  });
  test('ends with the prune, told once', () => {
    const asked = after(stored, remove('a'));
    expect(when(asked, pruned('a'))).toEqual([{ type: 'SnapshotPruned', data: { ...of('a'), reason: 'DELETED' } }]);
    expect(when(after(asked, pruned('a')), pruned('a'))).toEqual([]);
    expect(codeOf(when(stored, pruned('a')))).toBe('CONFLICT');
  });
  test('that fails is told, and goes on', () => {
    const trouble: ClusterCommand = { type: 'RecordPruneFailed', ...of('a'), failure: broken, retryAfterMs: 5 };
    const asked = after(stored, remove('a'), trouble);
    expect(types(when(asked, pruned('a')))).toEqual(['SnapshotPruned']);
    expect(when(after(asked, pruned('a')), trouble)).toEqual([]);
  });
});

describe('a copy on the disk of a node', () => {
  const members = ['n1', 'n2'].map((name) => ({ memberId: name, name, clientUrls: [], learner: false }));
  const joins = ['n1', 'n2'].map((node) => ({ type: 'JoinAgent' as const, node, worker: node, endpoint: 'http://x' }));
  const observed = (...names: string[]): ClusterCommand => ({ type: 'ObserveMembers', members: members.filter(({ name }) => names.includes(name)) });
  const served = after([], register({ retentionCount: 1 }), observed('n1', 'n2'), ...joins);
  const run = (id: string, n: number, ...nodes: string[]): readonly ClusterCommand[] => [
    recurring(id, slot(n)), ...nodes.flatMap((node) => [start(id, null, node), taken(id, 1, [copy(id, 'local', { node, storedOn: node })], node)]),
  ];
  const onNode = (id: string, node: string) => ({ snapshotId: `c.${id}`, targetId: 'local', node });

  test('is counted with those of its node, and left as it is once the node has left', () => {
    expect(prunesOf(after(served, ...run('a', 1, 'n1', 'n2'), ...run('b', 2, 'n1', 'n2')))).toEqual(['c.a', 'c.a']);
    const left = after(served, ...run('a', 1, 'n1', 'n2'), observed('n1'), ...run('b', 2, 'n1'));
    expect(left.filter(({ type }) => type === 'SnapshotPruneRequested')).toMatchObject([{ data: onNode('a', 'n1') }]);
  });
  test('of a node that left is given up when the snapshot is deleted, the others are deleted', () => {
    const left = after(served, ...run('a', 1, 'n1', 'n2'), observed('n1'));
    expect(when(left, remove('a'))).toMatchObject([
      { type: 'SnapshotPruneRequested', data: { ...onNode('a', 'n1'), reason: 'DELETED' } },
      { type: 'SnapshotPruneRequested', data: { ...onNode('a', 'n2'), reason: 'DELETED' } },
      { type: 'SnapshotPruned', data: { ...onNode('a', 'n2'), reason: 'ABANDONED' } },
    ]);
    expect(when(after(left, remove('a')), remove('a'))).toEqual([]);
  });
  test('whose prune stood when its node left keeps waiting for it, until the snapshot is deleted', () => {
    const waiting = after(served, ...run('a', 1, 'n1', 'n2'), ...run('b', 2, 'n1', 'n2'), { type: 'RecordPruned', ...onNode('a', 'n1') }, observed('n1'));
    expect(when(waiting, remove('a'))).toEqual([{ type: 'SnapshotPruned', data: { ...onNode('a', 'n2'), reason: 'ABANDONED' } }]);
    const asked = after(served, ...run('a', 1, 'n1', 'n2'), remove('a'));
    expect(when(asked, remove('a'))).toEqual([]);
    expect(when(after(asked, observed('n1')), remove('a'))).toMatchObject([{ type: 'SnapshotPruned', data: onNode('a', 'n2') }]);
  });
  test('is not given up while its agent is joined, member or not', () => {
    const alive = after(served, ...run('a', 1, 'n1', 'n2'), observed('n1'), { type: 'JoinAgent', node: 'n2', worker: 'n2', endpoint: 'http://x' });
    expect(types(when(alive, remove('a')))).toEqual(['SnapshotPruneRequested', 'SnapshotPruneRequested']);
    expect(types(when(after(served, ...run('a', 1, 'n1', 'n2'), { type: 'LeaveAgent', node: 'n2', worker: 'n2' }), remove('a'))))
      .toEqual(['SnapshotPruneRequested', 'SnapshotPruneRequested']);
  });
});

describe('a pin', () => {
  const stored = after(two, ...takenManual('a'));

  test('is set and lifted once', () => {
    expect(when(after(stored, pin('a')), pin('a'))).toEqual([]);
    const unpin: ClusterCommand = { type: 'UnpinSnapshot', snapshotId: 'c.a' };
    expect(types(when(after(stored, pin('a')), unpin))).toEqual(['SnapshotUnpinned']);
    expect(when(stored, unpin)).toEqual([]);
  });
  test('comes too late once a deletion was asked for', () => {
    expect(codeOf(when(after(stored, remove('a')), pin('a')))).toBe('IN_PROGRESS');
    expect(codeOf(when(after(stored, remove('a'), pruned('a')), pin('a')))).toBe('CONFLICT');
    expect(codeOf(when(stored, pin('z')))).toBe('NOT_FOUND');
  });
});
