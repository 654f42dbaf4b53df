import { expect, test } from '@jest/globals';
import type { DomainEvent } from '../../events/catalogue.js';
import type { EventStore, Followed } from '../../events/event-store.js';
import { followSchedules } from './schedule-follower.js';
import type { Scheduler } from './scheduler.js';

const RECURRING = {
  enabled: true, intervalHours: 12, cron: null, timeZone: null, anchor: '2026-01-01T00:00:00.000Z', firstSlot: 0,
} as const;
const SLOT = '2026-01-01T00:00:00.000Z';

function stored(stream: string, event: DomainEvent): Followed {
  const context = { actor: 'test', correlationId: 'c', causationId: 'c' };
  return { kind: 'event', event: { id: 'id', time: SLOT, context, event, stream, revision: 0, position: '0' } };
}

function logOf(followed: readonly Followed[]): EventStore {
  const refuse = (): never => {
    throw new Error('the schedule only follows');
  };
  const follow = async function* (): AsyncGenerator<Followed> {
    yield* followed;
  };
  return { id: 'test', append: refuse, readStream: refuse, readAll: refuse, head: refuse, close: refuse, follow };
}

function recorder(): { scheduler: Scheduler; told: unknown[][] } {
  const told: unknown[][] = [];
  const scheduler: Scheduler = {
    start: async () => undefined,
    stop: async () => undefined,
    idle: async () => undefined,
    state: () => ({ caughtUp: false, clusters: 0, troubles: [] }),
    setRecurring: (...given) => void told.push(['recurring', ...given]),
    markSettled: (...given) => void told.push(['settled', ...given]),
    setCaughtUp: () => void told.push(['caught-up']),
  };
  return { scheduler, told };
}

test('policies, settled slots and removals reach the scheduler in the order of the log, manual snapshots do not', async () => {
  const policy = { revision: 1, targetIds: ['local'], recurring: RECURRING, retentionCount: 6 };
  const request = { snapshotId: 'a.1', name: 'n', idempotencyKey: null, givenName: null, parts: [] };
  const { scheduler, told } = recorder();
  await followSchedules(logOf([
    stored('cluster-a', { type: 'PolicyUpdated', data: policy }),
    stored('cluster-a', { type: 'SnapshotRequested', data: { ...request, kind: 'RECURRING', slot: SLOT } }),
    stored('cluster-a', { type: 'SnapshotRequested', data: { ...request, kind: 'MANUAL', slot: null } }),
    { kind: 'caught-up' },
    stored('cluster-b', { type: 'SnapshotSkipped', data: { slot: SLOT, reason: 'SNAPSHOT_RUNNING' } }),
    stored('cluster-a', { type: 'ClusterRemoved', data: {} }),
  ]), scheduler, new AbortController().signal);
  expect(told).toEqual([
    ['recurring', 'a', RECURRING], ['settled', 'a', SLOT], ['caught-up'], ['settled', 'b', SLOT], ['recurring', 'a', null],
  ]);
});
