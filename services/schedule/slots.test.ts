import { describe, expect, test } from '@jest/globals';
import { freshnessBudgetSeconds, latestSlot, nextSlot, nextSlots } from './slots.js';
import type { Recurring } from '../../events/cluster-events.js';

const ANCHOR = '2026-01-01T00:00:00.000Z';
const every12h: Recurring = { enabled: true, intervalHours: 12, cron: null, timeZone: null, anchor: ANCHOR, firstSlot: 0 };
const changed: Recurring = { ...every12h, firstSlot: 1 };
const nightly: Recurring = { ...every12h, intervalHours: null, cron: '30 2 * * *', timeZone: 'Europe/Berlin' };

describe('interval slots', () => {
  test.each([
    ['the anchor is slot 0 when recurrence is switched on', every12h, '2025-12-31T23:59:59.999Z', ANCHOR],
    ['strictly after', every12h, ANCHOR, '2026-01-01T12:00:00.000Z'],
    ['before the anchor nothing but the anchor', every12h, '2020-01-01T00:00:00Z', ANCHOR],
    ['a changed schedule begins one interval later', changed, '2025-12-31T23:59:59.999Z', '2026-01-01T12:00:00.000Z'],
    ['a changed schedule goes on from there', changed, '2026-01-01T12:00:00.000Z', '2026-01-02T00:00:00.000Z'],
  ])('%s', (_, recurring, after, expected) => {
    expect(nextSlot(recurring, after)).toBe(expected);
  });

  test.each([
    ['before the anchor', every12h, '2025-12-31T23:59:59.999Z', null],
    ['at the anchor', every12h, ANCHOR, ANCHOR],
    ['a changed schedule has none at its anchor', changed, '2026-01-01T11:59:59.999Z', null],
    ['exactly at a slot', changed, '2026-01-01T12:00:00.000Z', '2026-01-01T12:00:00.000Z'],
    ['after years', every12h, '2036-01-01T13:00:00Z', '2036-01-01T12:00:00.000Z'],
  ])('latest: %s', (_, recurring, now, expected) => {
    expect(latestSlot(recurring, now)).toBe(expected);
  });
});

test('cron slots lie strictly after the anchor', () => {
  const recurring = { ...nightly, anchor: '2026-01-02T01:30:00.000Z' };
  expect(latestSlot(recurring, '2026-01-02T01:30:00.000Z')).toBeNull();
  expect(nextSlots(recurring, '2025-01-01T00:00:00Z', 2)).toEqual(['2026-01-03T01:30:00.000Z', '2026-01-04T01:30:00.000Z']);
});

test.each([
  ['off', { ...every12h, enabled: false }],
  ['without an anchor', { ...every12h, anchor: null }],
  ['without interval and cron', { ...every12h, intervalHours: null }],
])('recurrence %s has no slots', (_, recurring) => {
  expect([nextSlot(recurring, ANCHOR), latestSlot(recurring, ANCHOR), freshnessBudgetSeconds(recurring, ANCHOR)]).toEqual([null, null, null]);
});

test.each([
  ['twelve hours', every12h, ANCHOR, 18 * 3600],
  ['the 25-hour day in autumn counts', nightly, '2026-10-20T00:00:00Z', 1.5 * 25 * 3600],
  ['the weekend is the longest gap', { ...nightly, cron: '0 3 * * MON-FRI' }, '2026-06-01T00:00:00Z', 1.5 * 72 * 3600],
])('freshness budget: %s', (_, recurring, now, expected) => {
  expect(freshnessBudgetSeconds(recurring, now)).toBe(expected);
});

test('an interval that is not above zero is an error, not an endless loop', () => {
  expect(() => nextSlot({ ...every12h, intervalHours: 0 }, ANCHOR)).toThrow(/interval 0 h/);
});
