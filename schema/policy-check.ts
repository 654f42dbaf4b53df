// Checks of a policy's input as far as the input itself tells; which targets may be named is asked of the ledger.
// What the schedule means is services/schedule's matter.
import { localTargetId } from '../events/target-events.js';
import { cronFault } from '../services/schedule/cron.js';
import { timeZoneFault } from '../services/schedule/wall-clock.js';
import type { Checked, InputFault } from './input-faults.js';
import { boundsFault, faultsOf, givenFault } from './input-faults.js';
import type { PolicyInput } from './policy-input.js';
import type { ApiDependencies } from './request-context.js';

/** What the policy was before: a time zone alone is fine where a cron rules already. */
export interface PolicyBefore {
  readonly cron: string | null;
}

/** All faults of the policy; `at` leads to it in the input. */
export async function policyFaults(policy: PolicyInput, before: PolicyBefore, at: readonly string[], api: ApiDependencies): Promise<InputFault[]> {
  const checks: Checked[] = [
    ...(await targetChecks(policy.targetIds, api)),
    [['intervalHours'], givenFault(policy.intervalHours, (hours) => boundsFault(hours, 'intervalHours', 8760))],
    [['intervalHours'], scheduleFault(policy)],
    [['cron'], givenFault(policy.cron, cronFault)],
    [['timeZone'], zoneFault(policy, before)],
    [['retentionCount'], givenFault(policy.retentionCount, (count) => boundsFault(count, 'retentionCount', 10_000))],
  ];
  return faultsOf(checks.map(([path, fault]) => [[...at, ...path], fault]));
}

async function targetChecks(ids: readonly string[] | null | undefined, api: ApiDependencies): Promise<Checked[]> {
  if (ids?.length === 0) return [[['targetIds'], 'a policy needs a target: name at least one, or null for "local"']];
  return Promise.all((ids ?? []).map(async (id, index): Promise<Checked> => {
    const fault = (ids ?? []).indexOf(id) < index ? `target "${id}" is named twice: name it once` : await targetFault(id, api);
    return [['targetIds', String(index)], fault];
  }));
}

async function targetFault(id: string, { commands }: ApiDependencies): Promise<string | null> {
  if (id === localTargetId) return null;
  const { target } = await targetNow(id, commands);
  if (target === 'missing') return `there is no target "${id}": create it first, or name one of those the query targets lists`;
  return target === 'retired' ? `target "${id}" is retired and takes no more copies: name another` : null;
}

async function targetNow(id: string, commands: ApiDependencies['commands']): Promise<{ target: 'missing' | 'retired' | 'usable' }> {
  const state = await commands.targetState(id);
  if (state.targetId === null) return { target: 'missing' };
  return { target: state.retired ? 'retired' : 'usable' };
}

function scheduleFault({ intervalHours, cron, timeZone }: PolicyInput): string | null {
  if (!isGiven(intervalHours)) return null;
  if (isGiven(cron)) return 'intervalHours and cron contradict each other: give one of them';
  return isGiven(timeZone) ? 'intervalHours and timeZone do not go together: a time zone belongs to a cron' : null;
}

function zoneFault({ intervalHours, cron, timeZone }: PolicyInput, before: PolicyBefore): string | null {
  if (!isGiven(timeZone)) return null;
  const unknown = timeZoneFault(timeZone);
  if (unknown !== null || isGiven(intervalHours)) return unknown;
  const rules = cron === undefined ? before.cron : cron;
  return rules === null ? 'timeZone belongs to a cron, and there is none: give a cron with it' : null;
}

const isGiven = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;
