// Cron expressions of five or six fields (seconds first) in a time zone: validation and the neighbours of an instant.
// Croner matches the fields on a plain UTC calendar only; `wall-clock.ts` decides when a zone's clock shows a match.
import { Cron } from 'croner';
import { firstInstantAt, wallTimeReached } from './wall-clock.js';

export interface CronRule {
  readonly cron: string;
  /** IANA name; null is UTC. */
  readonly timeZone: string | null;
}

const SHAPE = 'five fields (minute hour day month weekday), or six with seconds first';
// `?` and `+` change meaning between cron dialects, nicknames are not fields.
const UNCLEAR = /[?+@]/;

/** `null` when the expression is valid and matches some day, else what is wrong and what to do. */
export function cronFault(expression: string): string | null {
  const unclear = UNCLEAR.exec(expression);
  if (unclear) return `cron "${expression}" uses "${unclear[0]}", which cron dialects read differently: write ${SHAPE}`;
  try {
    if (nextWallMatch(patternOf(expression), Date.UTC(2000, 0, 1)) !== null) return null;
    return `cron "${expression}" never matches a date: correct its day or month`;
  } catch (error) {
    const cause = (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, '');
    return `cron "${expression}" is not valid (${cause}): write ${SHAPE}`;
  }
}

/** The first match strictly after the instant (UTC milliseconds), or null when there is none. */
export function nextCronMatch({ cron, timeZone }: CronRule, after: number): number | null {
  const zone = timeZone ?? 'UTC';
  const match = nextWallMatch(patternOf(cron), wallTimeReached(zone, after));
  return match === null ? null : firstInstantAt(zone, match);
}

/** The newest match in (after, atOrBefore], or null. Its cost does not grow with the matches between. */
export function latestCronMatch(rule: CronRule, after: number, atOrBefore: number): number | null {
  const zone = rule.timeZone ?? 'UTC';
  const end = wallTimeReached(zone, atOrBefore);
  const start = wallTimeReached(zone, after);
  const pattern = patternOf(rule.cron);
  let newest = lookBack(pattern, start, end);
  if (newest === null) return null;
  let nothingAfter = end;
  while (nothingAfter - newest > 1000) {
    const middle = Math.floor((newest + nothingAfter) / 2);
    const match = nextWallMatch(pattern, middle);
    if (match !== null && match <= end) newest = match;
    else nothingAfter = middle;
  }
  return firstInstantAt(zone, newest);
}

/** Some match in (start, end], found by doubling steps back from the end so that the search begins near the newest. */
function lookBack(pattern: Cron, start: number, end: number): number | null {
  for (let step = 1000; ; step *= 2) {
    const from = Math.max(start, end - step);
    const match = nextWallMatch(pattern, from);
    if (match !== null && match <= end) return match;
    if (from === start) return null;
  }
}

function nextWallMatch(pattern: Cron, after: number): number | null {
  return pattern.nextRun(new Date(after))?.getTime() ?? null;
}

function patternOf(cron: string): Cron {
  // An offset of 0 reads the same clock as the zone UTC, without the cost of a zone's conversions.
  return new Cron(cron, { utcOffset: 0, mode: '5-or-6-parts' });
}
