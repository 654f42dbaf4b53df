// What a zone's wall clock shows at an instant, and when it first shows a given time. Wall times are written as
// if they were UTC milliseconds. Knows nothing of cron; across every change of offset both functions never step back.

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** `null` when the zone is an IANA name this machine knows, else what is wrong and what to do. */
export function timeZoneFault(zone: string): string | null {
  const remedy = 'use an IANA name such as Europe/Berlin or UTC';
  if (!/^[A-Za-z]/.test(zone)) return `time zone "${zone}" is not an IANA name: ${remedy}`;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return null;
  } catch {
    return `time zone "${zone}" is unknown: ${remedy}`;
  }
}

/** The latest time the zone's clock has shown up to `instant`; while an hour repeats it stays at that hour's end. */
export function wallTimeReached(zone: string, instant: number): number {
  const shown = instant + offsetAt(zone, instant);
  const before = offsetAt(zone, instant - DAY);
  if (before <= offsetAt(zone, instant)) return shown;
  const change = offsetChange(zone, instant - DAY, instant);
  return Math.max(shown, change - 1 + before);
}

/** The first instant at which the zone's clock shows `wall` or, where it jumps over `wall`, the end of the gap. */
export function firstInstantAt(zone: string, wall: number): number {
  const before = offsetAt(zone, wall - DAY);
  const later = offsetAt(zone, wall + DAY);
  if (before === later) return wall - before;
  const change = offsetChange(zone, wall - DAY, wall + DAY);
  if (wall - before < change) return wall - before;
  return Math.max(change, wall - later);
}

/** The first instant in (from, to] that has another offset than `from`; expects one change between them. */
function offsetChange(zone: string, from: number, to: number): number {
  const old = offsetAt(zone, from);
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === old) low = middle;
    else high = middle;
  }
  return high;
}

function offsetAt(zone: string, instant: number): number {
  if (zone === 'UTC') return 0;
  const whole = Math.floor(instant / 1000) * 1000;
  const shown: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(whole)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const day = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const time = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
  const made = new Intl.DateTimeFormat('en-US', { timeZone: zone, calendar: 'gregory', ...day, ...time });
  formats.set(zone, made);
  return made;
}
