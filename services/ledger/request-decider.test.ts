import { describe, expect, test } from '@jest/globals';
import {
  after, codeOf, failed, folded, later, manual, noon, pathOf, recurring, register, savePolicy, slot, start, taken, types, when,
} from './cluster-ledger.fixture.js';
import { isRejection } from './rejection.js';
import { isEarlySlot, snapshotIdOfKey } from './request-decider.js';

const registered = after([], register());

describe('a slot', () => {
  test('is requested once, also when it is written differently or comes under another id', () => {
    const asked = after(registered, recurring('a', noon), start('a'), taken('a'));
    expect(when(asked, recurring('b', noon))).toEqual([]);
    expect(when(asked, recurring('b', '2026-11-23T13:00:00+01:00'))).toEqual([]);
  });
  test('is skipped as a fact while a recurring request is open, and then never requested', () => {
    const open = after(registered, recurring('a', noon));
    const skipped = after(open, recurring('b', slot(60)));
    expect(skipped.at(-1)).toEqual({ type: 'SnapshotSkipped', data: { slot: slot(60), reason: 'REQUEST_OPEN' } });
    expect(when(after(skipped, start('a'), taken('a')), recurring('b', slot(60)))).toEqual([]);
  });
  test('is skipped while any snapshot runs, but not because a manual one is queued', () => {
    const queued = after(registered, manual('m'));
    expect(types(when(queued, recurring('a', noon)))).toEqual(['SnapshotRequested']);
    expect(when(after(queued, start('m')), recurring('a', noon))).toMatchObject([{ data: { reason: 'SNAPSHOT_RUNNING' } }]);
  });
  test('is not skipped once the earlier one has failed', () => {
    expect(types(when(after(registered, recurring('a', noon), start('a'), failed('a', 1)), recurring('b', slot(60))))).toEqual(['SnapshotRequested']);
  });
  test('later than now is refused as early, one earlier than a slot once requested ahead is not', () => {
    const early = when(registered, recurring('a', later, noon));
    expect(isRejection(early) && isEarlySlot(early)).toBe(true);
    const ahead = after(registered, recurring('a', '2030-01-01T00:00:00.000Z', '2030-01-01T00:00:00.000Z'), start('a'), taken('a'));
    expect(types(when(ahead, recurring('b', noon)))).toEqual(['SnapshotRequested']);
  });
  test('is refused for good while recurrence is off or there is no policy, and snapshot-now is not', () => {
    for (const ledger of [after(registered, savePolicy({ recurringEnabled: false })), after([], register(null, true))]) {
      const refused = when(ledger, recurring('a', noon));
      expect(codeOf(refused)).toBe('CONFLICT');
      expect(isRejection(refused) && isEarlySlot(refused)).toBe(false);
      expect(types(when(ledger, manual('m')))).toEqual(['SnapshotRequested']);
    }
  });
});

describe('snapshot-now', () => {
  const keyed = after(registered, manual('a', { idempotencyKey: 'k', givenName: 'upgrade' }));

  test('queues while another snapshot runs', () => {
    expect(types(when(after(registered, manual('a'), start('a')), manual('b')))).toEqual(['SnapshotRequested']);
  });
  test('with a key that was used is the earlier one, for ever', () => {
    const ended = after(keyed, start('a'), taken('a'));
    expect(when(ended, manual('b', { idempotencyKey: 'k', givenName: 'upgrade' }))).toEqual([]);
    expect(snapshotIdOfKey(folded(ended), 'k')).toBe('c.a');
  });
  test('with a key that was used under another name is a conflict', () => {
    expect(codeOf(when(keyed, manual('b', { idempotencyKey: 'k' })))).toBe('CONFLICT');
  });
  test('never takes an id twice, nor one of another cluster', () => {
    expect(codeOf(when(keyed, manual('a')))).toBe('ALREADY_EXISTS');
    const foreign = { type: 'RequestSnapshot', snapshotId: 'd.a', name: 'a', kind: 'MANUAL', slot: null, givenName: null, idempotencyKey: null, now: noon } as const;
    expect(pathOf(when(registered, foreign))).toEqual(['id']);
  });
  test.each(['a/b', '..', '', 'a b', 'x'.repeat(64)])('does not take the name "%s"', (givenName) => {
    expect(pathOf(when(registered, manual('a', { givenName })))).toEqual(['name']);
  });
});

describe('the parts of a snapshot', () => {
  const members = ['n1', 'n2', 'n3'].map((name) => ({ memberId: name, name, clientUrls: [], learner: false }));
  const agents = ['n1', 'n2'].map((node) => ({ type: 'JoinAgent' as const, node, worker: node, endpoint: 'http://x' }));
  const withAgents = after(registered, { type: 'ObserveMembers', members }, ...agents);

  test('are one that feeds all targets where there are no agents', () => {
    expect(when(after(registered, savePolicy({ targetIds: ['nas', 'local'] })), manual('a')))
      .toMatchObject([{ data: { parts: [{ part: 'any', targetIds: ['nas', 'local'] }] } }]);
    expect(when(after([], register(null, true)), manual('a'))).toMatchObject([{ data: { parts: [{ part: 'any', targetIds: ['local'] }] } }]);
  });
  test('are one per node with an agent, each of which may feed the other targets', () => {
    expect(when(after(withAgents, savePolicy({ targetIds: ['nas', 'local'] })), manual('a'))).toMatchObject([{
      data: { parts: [{ part: 'n1', targetIds: ['local', 'nas'] }, { part: 'n2', targetIds: ['local', 'nas'] }] },
    }]);
  });
  test('are one where local is not among the targets', () => {
    expect(when(after(withAgents, savePolicy({ targetIds: ['nas'] })), manual('a'))).toMatchObject([{ data: { parts: [{ part: 'any' }] } }]);
  });
});
