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
