import { describe, expect, test } from '@jest/globals';
import { after, folded, register, savePolicy, takenManual, takenRecurring } from '../ledger/cluster-ledger.fixture.js';
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
  test('leaves out what is not stored any more', () => {
    expect(reasons(folded(after(ledger, { type: 'DeleteSnapshot', snapshotId: 'c.a' })))).toHaveLength(2);
  });
});
