import { describe, expect, test } from '@jest/globals';
import {
  after, copy, folded, recurring, register, savePolicy, slot, start, taken, takenManual, takenRecurring,
} from '../ledger/cluster-ledger.fixture.js';
import { retentionPlan } from './retention-plan.js';

const ledger = after([], register(), ...takenRecurring('a', 1), ...takenManual('m'), ...takenRecurring('b', 2));
const reasons = (state: ReturnType<typeof folded>, count?: number) => retentionPlan(state, count).map(({ snapshotId, reasons: why }) => [snapshotId, ...why]);

describe('the retention plan', () => {
  test('shows what the policy would keep, in the ledger\'s order', () => {
    expect(reasons(folded(ledger))).toEqual([['c.a', 'kept: 2nd newest of 6'], ['c.m', 'kept: manual'], ['c.b', 'kept: newest of 6']]);
  });
  test('shows another count without changing anything', () => {
    expect(reasons(folded(ledger), 1)).toEqual([['c.a', 'pruned: beyond the newest 1'], ['c.m', 'kept: manual'], ['c.b', 'kept: newest of 1']]);
  });
  test('prunes nothing of a removed cluster, nor on a target that the policy left', () => {
    const none = [['c.a', 'kept: no policy uses this target'], ['c.m', 'kept: manual', 'kept: no policy uses this target'],
      ['c.b', 'kept: no policy uses this target']];
    expect(reasons(folded(after(ledger, { type: 'RemoveCluster' })), 1)).toEqual(none);
    expect(reasons(folded(after(ledger, savePolicy({ targetIds: ['nas'] }))), 1)).toEqual(none);
  });
  test('prunes nothing on a node that left', () => {
    const members = [{ memberId: 'm', name: 'n1', clientUrls: [], learner: false }];
    const onNode = (id: string, n: number) => [recurring(id, slot(n)), start(id, null, 'n1'), taken(id, 1, [copy(id, 'local', { node: 'n1' })], 'n1')];
    const join = { type: 'JoinAgent' as const, node: 'n1', worker: 'w', endpoint: 'http://x' };
    const served = after([], register(), { type: 'ObserveMembers', members }, join, ...onNode('a', 1), ...onNode('b', 2));
    expect(reasons(folded(served), 1)).toEqual([['c.a', 'pruned: beyond the newest 1'], ['c.b', 'kept: newest of 1']]);
    const left = 'kept: its node has left the cluster';
    expect(reasons(folded(after(served, { type: 'ObserveMembers', members: [] })), 1)).toEqual([['c.a', left], ['c.b', left]]);
  });
  test('leaves out what is not stored any more', () => {
    expect(reasons(folded(after(ledger, { type: 'DeleteSnapshot', snapshotId: 'c.a' })))).toHaveLength(2);
  });
});
