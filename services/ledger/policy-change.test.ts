import { describe, expect, test } from '@jest/globals';
import type { PolicyChange } from './cluster-commands.js';
import { after, codeOf, folded, later, noon, pathOf, register, savePolicy, when } from './cluster-ledger.fixture.js';

const registered = after([], register());
const policyAfter = (...changes: readonly PolicyChange[]) =>
  folded(after(registered, ...changes.map((change) => savePolicy(change)))).policy;

describe('saving a policy', () => {
  test('keeps what is left out, and resets what is null', () => {
    const saved = policyAfter({ retentionCount: 3, targetIds: ['local', 'nas'], recurringEnabled: false });
    expect(saved).toMatchObject({ revision: 2, retentionCount: 3, targetIds: ['local', 'nas'], recurring: { enabled: false, intervalHours: 12 } });
    expect(policyAfter({ retentionCount: 3, targetIds: ['nas'] }, { retentionCount: null, targetIds: null }))
      .toMatchObject({ revision: 3, retentionCount: 6, targetIds: ['local'] });
  });
  test('without any change is a save all the same', () => {
    expect(when(registered, savePolicy({}))).toMatchObject([{ type: 'PolicyUpdated', data: { revision: 2 } }]);
  });
  test('is refused when the policy has moved on', () => {
    const stale = { type: 'UpdatePolicy', change: {}, expectedRevision: 3, now: later } as const;
    expect(codeOf(when(registered, stale))).toBe('CONFLICT');
    expect(codeOf(when(registered, { ...stale, expectedRevision: 1 }))).toBeNull();
  });
  test('names only targets that can be used', () => {
    const save = { type: 'UpdatePolicy', change: { targetIds: ['nas'] }, expectedRevision: null, usableTargetIds: ['local'], now: later } as const;
    expect(pathOf(when(registered, save))).toEqual(['targetIds']);
    expect(codeOf(when(registered, { ...save, usableTargetIds: ['nas'] }))).toBeNull();
  });
  test.each<[PolicyChange, string]>([
    [{ targetIds: [] }, 'targetIds'],
    [{ targetIds: ['local', 'local'] }, 'targetIds'],
    [{ intervalHours: 0 }, 'intervalHours'],
    [{ intervalHours: 8761 }, 'intervalHours'],
    [{ intervalHours: 1.5 }, 'intervalHours'],
    [{ retentionCount: 0 }, 'retentionCount'],
    [{ retentionCount: 10_001 }, 'retentionCount'],
    [{ cron: 'every day' }, 'cron'],
    [{ cron: '0 0 30 2 *' }, 'cron'],
    [{ cron: '0 3 * * *', timeZone: 'Mars/Olympus' }, 'timeZone'],
    [{ cron: '0 3 * * *', intervalHours: 3 }, 'intervalHours'],
    [{ intervalHours: 3, timeZone: 'Europe/Berlin' }, 'intervalHours'],
    [{ timeZone: 'Europe/Berlin' }, 'timeZone'],
  ])('refuses %j, naming %s', (change, field) => {
    const decision = when(registered, savePolicy(change));
    expect([codeOf(decision), pathOf(decision)]).toEqual(['INVALID_INPUT', [field]]);
  });
});

describe('the schedule of a policy', () => {
  const nightly = { cron: '0 3 * * *', timeZone: 'Europe/Berlin' };

  test.each<[readonly PolicyChange[], object]>([
    [[{ cron: '0 3 * * *' }], { intervalHours: null, cron: '0 3 * * *', timeZone: 'UTC' }],
    [[nightly], { intervalHours: null, ...nightly }],
    [[nightly, { cron: '0 4 * * *' }], { intervalHours: null, cron: '0 4 * * *', timeZone: 'Europe/Berlin' }],
    [[nightly, { timeZone: null }], { intervalHours: null, cron: '0 3 * * *', timeZone: 'UTC' }],
    [[nightly, { intervalHours: 4 }], { intervalHours: 4, cron: null, timeZone: null }],
    [[nightly, { cron: null }], { intervalHours: 12, cron: null, timeZone: null }],
    [[nightly, { intervalHours: null }], { intervalHours: 12, cron: null, timeZone: null }],
    [[{ intervalHours: 4 }, { cron: null }], { intervalHours: 4, cron: null, timeZone: null }],
    [[{ intervalHours: 4 }, { intervalHours: null, ...nightly }], { intervalHours: null, ...nightly }],
  ])('after %j is %j', (changes, schedule) => {
    expect(policyAfter(...changes)?.recurring).toMatchObject(schedule);
  });
  test('begins at once when recurrence is switched on', () => {
    expect(folded(registered).policy?.recurring).toMatchObject({ anchor: noon, firstSlot: 0 });
    expect(policyAfter({ recurringEnabled: false })?.recurring).toMatchObject({ anchor: null, firstSlot: 0 });
    expect(policyAfter({ recurringEnabled: false }, { recurringEnabled: true })?.recurring).toMatchObject({ anchor: later, firstSlot: 0 });
  });
  test('changed while it runs begins one interval from now', () => {
    expect(policyAfter({ intervalHours: 4 })?.recurring).toMatchObject({ anchor: later, firstSlot: 1 });
  });
  test('left untouched keeps its anchor', () => {
    expect(policyAfter({ retentionCount: 2, intervalHours: 12 })?.recurring).toMatchObject({ anchor: noon, firstSlot: 0 });
  });
  test('changed while it is off has no anchor', () => {
    expect(policyAfter({ recurringEnabled: false, intervalHours: 4 })?.recurring).toMatchObject({ intervalHours: 4, anchor: null });
  });
});
