import { describe, expect, test } from '@jest/globals';
import { firstInstantAt, timeZoneFault, wallTimeReached } from './wall-clock.js';

const at = (text: string): number => Date.parse(text);
const iso = (instant: number): string => new Date(instant).toISOString();

describe('the first instant at which a zone shows a wall time', () => {
  test.each([
    ['an ordinary day', 'Europe/Berlin', '2026-01-15T12:00:00Z', '2026-01-15T11:00:00.000Z'],
    ['inside the gap', 'Europe/Berlin', '2026-03-29T02:30:00Z', '2026-03-29T01:00:00.000Z'],
    ['the repeated hour', 'Europe/Berlin', '2026-10-25T02:30:00Z', '2026-10-25T00:30:00.000Z'],
    ['after the repeated hour', 'Europe/Berlin', '2026-10-25T03:00:00Z', '2026-10-25T02:00:00.000Z'],
    ['New York, gap', 'America/New_York', '2026-03-08T02:15:00Z', '2026-03-08T07:00:00.000Z'],
    ['New York, repeated', 'America/New_York', '2026-11-01T01:15:00Z', '2026-11-01T05:15:00.000Z'],
    ['Lord Howe, half an hour of gap', 'Australia/Lord_Howe', '2026-10-04T02:15:00Z', '2026-10-03T15:30:00.000Z'],
    ['Lord Howe, half an hour repeated', 'Australia/Lord_Howe', '2026-04-05T01:45:00Z', '2026-04-04T14:45:00.000Z'],
    ['Samoa, the day that was left out', 'Pacific/Apia', '2011-12-30T12:00:00Z', '2011-12-30T10:00:00.000Z'],
  ])('%s', (_, zone, wall, expected) => {
    expect(iso(firstInstantAt(zone, at(wall)))).toBe(expected);
  });
});

describe('the wall time reached', () => {
  test('stays at the end of an hour while that hour repeats', () => {
    expect(iso(wallTimeReached('Europe/Berlin', at('2026-10-25T01:20:00Z')))).toBe('2026-10-25T02:59:59.999Z');
    expect(iso(wallTimeReached('Europe/Berlin', at('2026-10-25T02:00:00Z')))).toBe('2026-10-25T03:00:00.000Z');
  });

  test.each(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'])('never steps back and agrees with the way back in %s', (zone) => {
    let last = -Infinity;
    for (let instant = at('2026-03-01T00:00:00Z'); instant < at('2026-11-15T00:00:00Z'); instant += 1_800_000) {
      const wall = wallTimeReached(zone, instant);
      expect(wall).toBeGreaterThanOrEqual(last);
      expect(firstInstantAt(zone, wall)).toBeLessThanOrEqual(instant);
      expect(firstInstantAt(zone, wall + 1)).toBeGreaterThan(instant);
      last = wall;
    }
  });
});

test.each(['Mars/Olympus', '+02:00', '', 'Europe/Berlin '])('the zone "%s" is refused with a remedy', (zone) => {
  expect(timeZoneFault(zone)).toMatch(/use an IANA name such as Europe\/Berlin/);
});

test('zones of the IANA list are accepted', () => {
  expect(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT-2'].map(timeZoneFault)).toEqual([null, null, null, null]);
});
