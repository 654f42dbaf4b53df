// What a saved policy looks like: defaults, merging of changes, bounds, and the anchor of its schedule.
// Not when it is saved: see registry-decider.ts.
import type { Recurring } from '../../events/cluster-events.js';
import { localTargetId } from '../../events/target-events.js';
import { cronFault } from '../schedule/cron.js';
import { timeZoneFault } from '../schedule/wall-clock.js';
import type { PolicyChange } from './cluster-commands.js';
import type { Policy } from './cluster-state.js';
import type { Rejection } from './rejection.js';
import { reject } from './rejection.js';

const defaults = { targetIds: [localTargetId], recurringEnabled: true, intervalHours: 12, timeZone: 'UTC', retentionCount: 6 } as const;

type Schedule = Pick<Recurring, 'intervalHours' | 'cron' | 'timeZone'>;
const unsaved: { readonly revision: number } & Partial<Policy> = { revision: 0 };
const noSchedule: Schedule = { intervalHours: null, cron: null, timeZone: null };

export interface Saving {
  readonly change: PolicyChange;
  /** Left out: targets are not checked. */
  readonly usableTargetIds?: readonly string[] | undefined;
  readonly now: string;
}

/** The policy with the change, one revision on, or why it cannot be. A change that changes nothing is a save all the same. */
export function savedPolicy(current: Policy | null, { change, usableTargetIds, now }: Saving): Policy | Rejection {
  const before = current ?? unsaved;
  const targetIds = merged<readonly string[]>(change.targetIds, before.targetIds, defaults.targetIds);
  const retentionCount = merged(change.retentionCount, before.retentionCount, defaults.retentionCount);
  const enabled = merged(change.recurringEnabled, before.recurring?.enabled, defaults.recurringEnabled);
  const schedule = mergedSchedule(change, before.recurring ?? noSchedule);
  const fault = targetsFault(targetIds, change.targetIds ? usableTargetIds : undefined)
    ?? boundsFault('retentionCount', retentionCount, 10_000)
    ?? mixFault(change, schedule)
    ?? scheduleFault(schedule);
  if (fault) return fault;
  const recurring = { enabled, ...schedule, ...anchored(before.recurring, { enabled, schedule, now }) };
  return { revision: before.revision + 1, targetIds, retentionCount, recurring };
}

function merged<T>(change: T | null | undefined, current: T | undefined, byDefault: T): T {
  if (change === null) return byDefault;
  return change ?? current ?? byDefault;
}

/** A given cron ends the interval and the other way round; null for the one in force goes back to the default interval. */
function mergedSchedule(change: PolicyChange, current: Schedule): Schedule {
  const keepsCron = change.cron === undefined && change.intervalHours === undefined;
  const cron = change.cron ?? (keepsCron ? current.cron : null);
  if (cron !== null) return { intervalHours: null, cron, timeZone: merged(change.timeZone, current.timeZone ?? undefined, defaults.timeZone) };
  return { intervalHours: merged(change.intervalHours, current.intervalHours ?? undefined, defaults.intervalHours), cron: null, timeZone: null };
}

function targetsFault(targetIds: readonly string[], usable: readonly string[] | undefined): Rejection | null {
  if (targetIds.length === 0) return invalid('targetIds', 'the policy names no target; name at least one, such as local');
  const repeated = targetIds.find((id, at) => targetIds.indexOf(id) !== at);
  if (repeated !== undefined) return invalid('targetIds', `target "${repeated}" is named twice; name each target once`);
  const unusable = usable && targetIds.find((id) => !usable.includes(id));
  if (unusable === undefined) return null;
  return invalid('targetIds', `target "${unusable}" does not exist or is retired; create it first or name another`);
}

function boundsFault(field: 'retentionCount' | 'intervalHours', value: number, most: number): Rejection | null {
  if (Number.isInteger(value) && value >= 1 && value <= most) return null;
  return invalid(field, `${field} is ${value}; give a whole number from 1 to ${most}`);
}

function mixFault(change: PolicyChange, { cron }: Schedule): Rejection | null {
  const hasInterval = change.intervalHours !== undefined && change.intervalHours !== null;
  if (hasInterval && cron !== null) return invalid('intervalHours', 'both intervalHours and cron are given; give one of them');
  if (typeof change.timeZone !== 'string' || cron !== null) return null;
  if (hasInterval) return invalid('intervalHours', 'both intervalHours and timeZone are given; a time zone goes with cron only');
  return invalid('timeZone', 'a time zone is given but the schedule is an interval; give cron too, or leave timeZone out');
}

function scheduleFault({ intervalHours, cron, timeZone }: Schedule): Rejection | null {
  if (intervalHours !== null) return boundsFault('intervalHours', intervalHours, 8760);
  const cronWrong = cron === null ? null : cronFault(cron);
  if (cronWrong !== null) return invalid('cron', cronWrong);
  const zoneWrong = timeZone === null ? null : timeZoneFault(timeZone);
  return zoneWrong === null ? null : invalid('timeZone', zoneWrong);
}

interface NextSchedule { readonly enabled: boolean; readonly schedule: Schedule; readonly now: string }

/** Switched on: its first slot is now. Running schedule changed: the first slot is one interval from now. Untouched: as before. */
function anchored(before: Recurring | undefined, { enabled, schedule, now }: NextSchedule): Pick<Recurring, 'anchor' | 'firstSlot'> {
  if (!enabled) return { anchor: null, firstSlot: 0 };
  if (!before?.enabled) return { anchor: now, firstSlot: 0 };
  const { intervalHours, cron, timeZone } = schedule;
  const same = before.intervalHours === intervalHours && before.cron === cron && before.timeZone === timeZone;
  return same ? { anchor: before.anchor, firstSlot: before.firstSlot } : { anchor: now, firstSlot: 1 };
}

const invalid = (field: string, message: string): Rejection => reject('INVALID_INPUT', message, [field]);
