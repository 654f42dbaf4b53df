// Tells the scheduler what the log says: policies, removals, and slots that are requested or skipped already.
// Reads from the log's start at each run and keeps nothing; an event that cannot be read ends it with that error.
import type { DomainEvent } from '../../events/catalogue.js';
import { clusterStream } from '../../events/cluster-events.js';
import type { EventStore } from '../../events/event-store.js';
import type { Scheduler } from './scheduler.js';

const PREFIX = clusterStream('');

/** Ends without an error when `signal` aborts. */
export async function followSchedules(events: EventStore, scheduler: Scheduler, signal: AbortSignal): Promise<void> {
  for await (const followed of events.follow({ signal })) {
    if (followed.kind === 'caught-up') scheduler.setCaughtUp();
    else if (followed.event.stream.startsWith(PREFIX)) {
      applyToSchedule(scheduler, followed.event.stream.slice(PREFIX.length), followed.event.event);
    }
  }
}

function applyToSchedule(scheduler: Scheduler, clusterId: string, { type, data }: DomainEvent): void {
  if (type === 'PolicyUpdated') scheduler.setRecurring(clusterId, data.recurring);
  else if (type === 'ClusterRemoved') scheduler.setRecurring(clusterId, null);
  else if (type === 'SnapshotRequested' && data.slot !== null) scheduler.markSettled(clusterId, data.slot);
  else if (type === 'SnapshotSkipped') scheduler.markSettled(clusterId, data.slot);
}
