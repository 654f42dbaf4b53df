// The slots of a recurring schedule, as pure functions: which planned instants follow, and which one came last.
// Says nothing of whether a slot was requested or skipped; the ledger knows that.
import type { Recurring } from '../../events/cluster-events.js';
import { latestCronMatch, nextCronMatch } from './cron.js';

const HOUR = 3_600_000;
const FRESHNESS_SLOTS = 20;
const FRESHNESS_SLACK = 1.5;

/** The first slot strictly after the instant, in RFC 3339 UTC with milliseconds; null when recurrence is off. */
export function nextSlot(recurring: Recurring, after: string): string | null {
  const anchor = anchorOf(recurring);
  if (anchor === null) return null;
  const from = instantOf(after);
  if (recurring.cron !== null) {
    return written(nextCronMatch({ cron: recurring.cron, timeZone: recurring.timeZone }, Math.max(from, anchor)));
  }
  const step = stepOf(recurring);
  const index = Math.floor((from - anchor) / step) + 1;
  return written(anchor + Math.max(index, recurring.firstSlot) * step);
}

/** Up to `count` slots strictly after the instant, in order. */
export function nextSlots(recurring: Recurring, after: string, count: number): string[] {
  const slots: string[] = [];
  let slot = nextSlot(recurring, after);
  while (slot !== null && slots.length < count) {
    slots.push(slot);
    slot = nextSlot(recurring, slot);
  }
  return slots;
}

/** The newest slot at or before the instant; null when there was none yet or recurrence is off. */
export function latestSlot(recurring: Recurring, atOrBefore: string): string | null {
  const anchor = anchorOf(recurring);
  if (anchor === null) return null;
  const until = instantOf(atOrBefore);
  if (until < anchor) return null;
  if (recurring.cron !== null) {
    return written(latestCronMatch({ cron: recurring.cron, timeZone: recurring.timeZone }, anchor, until));
  }
  const step = stepOf(recurring);
  const index = Math.floor((until - anchor) / step);
  return index < recurring.firstSlot ? null : written(anchor + index * step);
}

/** 1.5 times the longest gap between the next 20 slots, in seconds; null when recurrence is off or ends. */
export function freshnessBudgetSeconds(recurring: Recurring, now: string): number | null {
  const slots = nextSlots(recurring, now, FRESHNESS_SLOTS).map(instantOf);
  const gaps = slots.slice(1).map((slot, before) => slot - (slots[before] ?? slot));
  return gaps.length === 0 ? null : (FRESHNESS_SLACK * Math.max(...gaps)) / 1000;
}

function anchorOf({ enabled, anchor, intervalHours, cron }: Recurring): number | null {
  if (!enabled || anchor === null) return null;
  return intervalHours === null && cron === null ? null : instantOf(anchor);
}

function stepOf({ intervalHours }: Recurring): number {
  if (intervalHours !== null && intervalHours > 0) return Math.max(1, Math.round(intervalHours * HOUR));
  throw new RangeError(`Slots: the interval ${intervalHours} h is not above 0; save the policy with intervalHours of 1 or more`);
}

function instantOf(rfc3339: string): number {
  const instant = Date.parse(rfc3339);
  if (Number.isNaN(instant)) throw new RangeError(`Slots: "${rfc3339}" is not an RFC 3339 time such as 2026-01-01T00:00:00.000Z`);
  return instant;
}

function written(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
