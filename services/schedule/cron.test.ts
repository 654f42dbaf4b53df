import { describe, expect, test } from '@jest/globals';
import { cronFault, latestCronMatch, nextCronMatch } from './cron.js';

const at = (text: string): number => Date.parse(text);
const iso = (instant: number | null): string | null => (instant === null ? null : new Date(instant).toISOString());

function following(cron: string, timeZone: string | null, after: string, count: number): (string | null)[] {
  const found: (string | null)[] = [];
  let from: number | null = at(after);
  while (from !== null && found.length < count) {
    from = nextCronMatch({ cron, timeZone }, from);
    found.push(iso(from));
  }
  return found;
}

describe('next matches', () => {
  test.each([
    ['five fields', '30 4 * * *', null, '2026-01-01T00:00:00Z', ['2026-01-01T04:30:00.000Z', '2026-01-02T04:30:00.000Z']],
    ['six fields', '*/20 * * * * *', null, '2026-01-01T00:00:20Z', ['2026-01-01T00:00:40.000Z', '2026-01-01T00:01:00.000Z']],
    ['29 February', '0 0 29 2 *', null, '2026-01-01T00:00:00Z', ['2028-02-29T00:00:00.000Z', '2032-02-29T00:00:00.000Z']],
    ['29 February over 2100', '0 0 29 2 *', null, '2096-03-01T00:00:00Z', ['2104-02-29T00:00:00.000Z']],
    ['last day', '0 0 L * *', null, '2028-02-01T00:00:00Z', ['2028-02-29T00:00:00.000Z', '2028-03-31T00:00:00.000Z']],
    ['day or weekday', '0 0 13 * FRI', null, '2026-01-08T00:00:00Z', ['2026-01-09T00:00:00.000Z', '2026-01-13T00:00:00.000Z']],
    ['a Berlin gap', '30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']],
    ['a gap full of matches fires once', '*/10 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00:00.000Z', '2026-03-30T00:00:00.000Z']],
    ['hourly over a gap', '0 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z',
      ['2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z']],
    ['a repeated Berlin time', '30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']],
    ['asked within the repetition', '30 2 * * *', 'Europe/Berlin', '2026-10-25T01:10:00Z', ['2026-10-26T01:30:00.000Z']],
    ['New York gap', '15 2 * * *', 'America/New_York', '2026-03-08T00:00:00Z',
      ['2026-03-08T07:00:00.000Z', '2026-03-09T06:15:00.000Z']],
    ['New York repeated', '15 1 * * *', 'America/New_York', '2026-11-01T00:00:00Z',
      ['2026-11-01T05:15:00.000Z', '2026-11-02T06:15:00.000Z']],
    ['Lord Howe gap', '15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z',
      ['2026-10-03T15:30:00.000Z', '2026-10-04T15:15:00.000Z']],
    ['Lord Howe repeated', '45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z',
      ['2026-04-04T14:45:00.000Z', '2026-04-05T15:15:00.000Z']],
    ['midnight that does not exist', '0 0 * * *', 'America/Santiago', '2026-09-05T12:00:00Z', ['2026-09-06T04:00:00.000Z']],
  ])('%s', (_, cron, zone, after, expected) => {
    expect(following(cron, zone, after, expected.length)).toEqual(expected);
  });
});

describe('the latest match', () => {
  test.each([
    ['every second after an outage of forty years', '* * * * * *',
      'Europe/Berlin', '1990-01-01T00:00:00Z', '2030-06-01T00:00:00.500Z', '2030-06-01T00:00:00.000Z'],
    ['29 February', '0 0 29 2 *', null, '2000-01-01T00:00:00Z', '2027-12-31T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['exactly now', '0 12 * * *', null, '2026-01-01T00:00:00Z', '2026-01-05T12:00:00.000Z', '2026-01-05T12:00:00.000Z'],
    ['never before the anchor', '0 12 * * *', null, '2026-01-05T12:00:00Z', '2026-01-06T11:59:59.999Z', null],
    ['in a gap', '30 2 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['just before a gap', '30 2 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z',
      '2026-03-29T00:59:59.999Z', '2026-03-28T01:30:00.000Z'],
    ['in the repetition', '30 2 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z',
      '2026-10-25T01:45:00Z', '2026-10-25T00:30:00.000Z'],
  ])('%s', (_, cron, timeZone, after, until, expected) => {
    expect(iso(latestCronMatch({ cron, timeZone }, at(after), at(until)))).toBe(expected);
  });

  test.each(['0 */7 * * *', '15,45 1-3 * * *', '0 3 * * SUN', '0 0 L * *', '0 6 * * 1#1'])('of %s is the one that asking forward ends at', (cron) => {
    const rule = { cron, timeZone: 'America/New_York' };
    const start = at('2026-02-20T00:00:00Z');
    let last: number | null = null;
    let coming = nextCronMatch(rule, start);
    for (let now = start; now < at('2026-03-20T00:00:00Z'); now += 9_000_000) {
      while (coming !== null && coming <= now) {
        last = coming;
        coming = nextCronMatch(rule, coming);
      }
      expect(iso(latestCronMatch(rule, start, now))).toBe(iso(last));
    }
  });
});

test.each([
  ['0 0 31 2 *', /never matches/],
  ['0 0 30 2 *', /never matches/],
  ['* * *', /five fields/],
  ['', /five fields/],
  ['0 0 0 1 1 * 2027', /five fields/],
  ['61 * * * *', /minute: 61/],
  ['@daily', /dialects/],
  ['? * * * *', /dialects/],
  ['not a cron at all', /illegal/],
])('"%s" is refused', (expression, message) => {
  expect(cronFault(expression)).toMatch(message);
});

test.each(['0 */12 * * *', '*/20 * * * * *', '0 0 29 2 *', '0 3 * * MON-FRI', '0 0 L * *'])('"%s" is accepted', (expression) => {
  expect(cronFault(expression)).toBeNull();
});
