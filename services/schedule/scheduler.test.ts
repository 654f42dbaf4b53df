import { describe, expect, test } from '@jest/globals';
import type { Jobs } from './jobs.js';
import { createScheduler } from './scheduler.js';
import type { Scheduler, SlotOutcome } from './scheduler.js';
import type { Recurring } from '../../events/cluster-events.js';

const hourly: Recurring = { enabled: true, intervalHours: 1, cron: null, timeZone: null, anchor: '2026-01-01T00:00:00.000Z', firstSlot: 0 };
const nightly: Recurring = { ...hourly, intervalHours: null, cron: '30 2 * * *', timeZone: 'Europe/Berlin' };

/** A ledger, a wall clock and wake-up calls that outlive the scheduler under test, so that it can be started again. */
function arrange(start: string) {
  let now = Date.parse(start);
  const requested: string[] = [];
  const asked: string[] = [];
  const heard: string[] = [];
  const world = { requested, asked, heard, unreachable: false, jobsBroken: false, calls: new Map<string, number>() };
  let onDue: (clusterId: string) => void = () => undefined;
  let check: () => void = () => undefined;
  let scheduler: Scheduler;

  const jobs: Jobs = {
    start: async (given) => {
      onDue = given;
    },
    schedule: async (clusterId, at) => {
      if (world.jobsBroken) throw new Error('jobs store is away');
      world.calls.set(clusterId, Date.parse(at));
    },
    cancel: async (clusterId) => {
      world.calls.delete(clusterId);
    },
    stop: async () => {
      onDue = () => undefined;
      world.calls.clear();
    },
  };
  const requestSlot = async (clusterId: string, slot: string): Promise<SlotOutcome> => {
    asked.push(slot);
    if (world.unreachable) throw new Error('event store is away');
    if (Date.parse(slot) > now) return 'early';
    if (!requested.includes(`${clusterId} ${slot}`)) requested.push(`${clusterId} ${slot}`);
    return 'settled';
  };
  const boot = async (told: (scheduler: Scheduler) => void): Promise<Scheduler> => {
    const watch = (given: () => void): (() => void) => {
      check = given;
      return () => {
        check = () => undefined;
      };
    };
    scheduler = createScheduler({
      jobs, requestSlot, clock: { now: () => new Date(now) }, watch,
      onTrouble: ({ clusterId, attempts, message }) => heard.push(`${clusterId} ${attempts}: ${message}`),
    });
    await scheduler.start();
    told(scheduler);
    scheduler.setCaughtUp();
    await runDue();
    return scheduler;
  };
  const runDue = async (): Promise<void> => {
    await scheduler.idle();
    const due = [...world.calls].filter(([, at]) => at <= now);
    if (due.length === 0) return;
    for (const [clusterId] of due) {
      world.calls.delete(clusterId);
      onDue(clusterId);
    }
    await runDue();
  };
  /** Sets the wall clock in one step, then lets the watch and every due call run. */
  const setClock = async (to: string): Promise<void> => {
    now = Date.parse(to);
    check();
    await runDue();
  };
  /** Lets time pass as it does: stops at every call on the way. */
  const passUntil = async (to: string): Promise<void> => {
    for (let at = Math.min(...world.calls.values()); at <= Date.parse(to); at = Math.min(...world.calls.values())) {
      await setClock(new Date(at).toISOString());
    }
    await setClock(to);
  };
  const plannedFor = (clusterId: string): string | null => {
    const at = world.calls.get(clusterId);
    return at === undefined ? null : new Date(at).toISOString();
  };
  return { world, boot, setClock, passUntil, plannedFor, requested };
}

const told = (recurring: Recurring) => (scheduler: Scheduler) => scheduler.setRecurring('a', recurring);

describe('the scheduler', () => {
  test('requests each slot once and has exactly one call for each cluster', async () => {
    const { boot, passUntil, requested, world, plannedFor } = arrange('2026-01-01T00:00:00.000Z');
    await boot(told(hourly));
    await passUntil('2026-01-01T02:30:00.000Z');
    expect(requested).toEqual(['a 2026-01-01T00:00:00.000Z', 'a 2026-01-01T01:00:00.000Z', 'a 2026-01-01T02:00:00.000Z']);
    expect([world.asked.length, world.calls.size, plannedFor('a')]).toEqual([3, 1, '2026-01-01T03:00:00.000Z']);
  });

  test('asks nothing before the whole log was told', async () => {
    const { world, boot } = arrange('2026-01-01T05:00:00.000Z');
    await boot((scheduler) => {
      scheduler.setRecurring('a', hourly);
      scheduler.setRecurring('a', { ...hourly, enabled: false });
      expect(scheduler.state().caughtUp).toBe(false);
    });
    expect([world.asked, world.calls.size]).toEqual([[], 0]);
  });

  test('catches up once for the latest slot missed in an outage', async () => {
    const { boot, passUntil, setClock, requested, plannedFor } = arrange('2026-01-01T00:00:00.000Z');
    const first = await boot(told(hourly));
    await passUntil('2026-01-01T01:00:00.000Z');
    await first.stop();
    await setClock('2026-01-03T10:20:00.000Z');
    await boot(told(hourly));
    expect(requested.slice(2)).toEqual(['a 2026-01-03T10:00:00.000Z']);
    expect(plannedFor('a')).toBe('2026-01-03T11:00:00.000Z');
  });

  test('a restart without a missed slot asks nothing, since the log shows the slot', async () => {
    const { boot, world, plannedFor } = arrange('2026-01-01T01:10:00.000Z');
    await boot((scheduler) => {
      scheduler.setRecurring('a', hourly);
      scheduler.markSettled('a', '2026-01-01T01:00:00.000Z');
    });
    expect([world.asked, plannedFor('a')]).toEqual([[], '2026-01-01T02:00:00.000Z']);
  });

  test('a clock that jumps backwards repeats no slot and does not silence the cluster', async () => {
    const { boot, passUntil, setClock, requested, plannedFor } = arrange('2027-06-01T00:10:00.000Z');
    await boot(told(hourly));
    await passUntil('2027-06-01T01:00:00.000Z');
    await setClock('2026-01-01T00:30:00.000Z');
    expect(plannedFor('a')).toBe('2026-01-01T01:00:00.000Z');
    await passUntil('2026-01-01T01:00:00.000Z');
    await setClock('2026-01-01T00:40:00.000Z');
    await passUntil('2026-01-01T02:00:00.000Z');
    expect(requested).toEqual(['2027-06-01T00', '2027-06-01T01', '2026-01-01T00', '2026-01-01T01', '2026-01-01T02'].map((hour) => `a ${hour}:00:00.000Z`));
  });

  test('a clock that jumps forwards requests one slot', async () => {
    const { boot, setClock, requested } = arrange('2026-01-01T00:00:00.000Z');
    await boot(told(hourly));
    await setClock('2026-02-01T00:30:00.000Z');
    expect(requested.slice(1)).toEqual(['a 2026-02-01T00:00:00.000Z']);
  });

  test('follows the local clock across both changes of the year', async () => {
    const { boot, passUntil, requested } = arrange('2026-01-01T00:00:00.000Z');
    await boot(told(nightly));
    await passUntil('2026-12-31T00:00:00.000Z');
    const near = (day: string): string[] => requested.filter((slot) => slot.includes(day));
    expect(near('2026-03-29')).toEqual(['a 2026-03-29T01:00:00.000Z']);
    expect(near('2026-10-25')).toEqual(['a 2026-10-25T00:30:00.000Z']);
    expect(requested).toHaveLength(364);
  });

  test('retries with growing pauses while the ledger is away, visibly, and then asks for the latest slot only', async () => {
    const { boot, passUntil, setClock, requested, world, plannedFor } = arrange('2026-01-01T00:00:00.000Z');
    world.unreachable = true;
    const scheduler = await boot(told(hourly));
    const planned: (string | null)[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const at = plannedFor('a') ?? '';
      planned.push(at.slice(11, 19));
      await setClock(at);
    }
    expect(planned).toEqual(['00:00:01', '00:00:03', '00:00:07', '00:00:15', '00:00:31', '00:01:03', '00:02:03', '00:03:03']);
    expect(scheduler.state().troubles).toEqual([expect.objectContaining({ clusterId: 'a', attempts: 9, message: 'event store is away' })]);
    expect(world.heard).toEqual(Array.from({ length: 9 }, (_, failed) => `a ${failed + 1}: event store is away`));
    await passUntil('2026-01-01T03:10:00.000Z');
    world.unreachable = false;
    await passUntil('2026-01-01T03:12:00.000Z');
    expect(requested).toEqual(['a 2026-01-01T03:00:00.000Z']);
    expect(scheduler.state().troubles).toEqual([]);
  });

  test('plans again when a call could not be placed', async () => {
    const { boot, setClock, world, plannedFor } = arrange('2026-01-01T00:10:00.000Z');
    world.jobsBroken = true;
    const scheduler = await boot(told({ ...hourly, firstSlot: 1 }));
    expect(scheduler.state().troubles).toHaveLength(1);
    world.jobsBroken = false;
    await setClock('2026-01-01T00:10:05.000Z');
    expect([plannedFor('a'), scheduler.state().troubles]).toEqual(['2026-01-01T01:00:00.000Z', []]);
  });

  test('a slot whose call another scheduler was given is planned on from the log, or asked for when it stays open', async () => {
    const { boot, setClock, world, plannedFor, requested } = arrange('2026-01-01T00:00:00.000Z');
    const scheduler = await boot(told(hourly));
    world.calls.clear();
    await setClock('2026-01-01T01:00:05.000Z');
    scheduler.markSettled('a', '2026-01-01T01:00:00.000Z');
    await setClock('2026-01-01T01:00:12.000Z');
    expect([world.asked.length, plannedFor('a')]).toEqual([1, '2026-01-01T02:00:00.000Z']);
    world.calls.clear();
    await setClock('2026-01-01T02:00:09.000Z');
    expect(requested).toHaveLength(1);
    await setClock('2026-01-01T02:00:12.000Z');
    expect([requested.at(-1), plannedFor('a')]).toEqual(['a 2026-01-01T02:00:00.000Z', '2026-01-01T03:00:00.000Z']);
  });

  test('a changed, a disabled and a removed schedule take effect at once', async () => {
    const { boot, setClock, plannedFor, world } = arrange('2026-01-01T00:10:00.000Z');
    const scheduler = await boot(told(hourly));
    scheduler.setRecurring('a', { ...hourly, intervalHours: 6, anchor: '2026-01-01T00:10:00.000Z', firstSlot: 1 });
    await scheduler.idle();
    expect(plannedFor('a')).toBe('2026-01-01T06:10:00.000Z');
    scheduler.setRecurring('a', { ...hourly, enabled: false });
    await scheduler.idle();
    expect([plannedFor('a'), scheduler.state().clusters]).toEqual([null, 1]);
    scheduler.setRecurring('a', hourly);
    scheduler.setRecurring('a', null);
    await scheduler.idle();
    await setClock('2026-01-05T00:00:00.000Z');
    expect([world.calls.size, scheduler.state().clusters, world.asked.length]).toEqual([0, 0, 1]);
  });

  test('asks nothing any more once it was stopped', async () => {
    const { boot, setClock, world } = arrange('2026-01-01T00:00:00.000Z');
    const scheduler = await boot(told(hourly));
    await scheduler.stop();
    scheduler.setRecurring('b', hourly);
    await setClock('2026-01-02T00:00:00.000Z');
    expect([world.asked.length, world.calls.size]).toEqual([1, 0]);
  });
});
