// Small events and ways to tell them apart, for the tests of event stores. Registers no tests.
// Not frozen shapes: those are in fixtures/.
import { randomUUID } from 'node:crypto';
import type { ClusterEvent } from './cluster-events.js';
import type { Followed, NewEvent, StoredEvent } from './event-store.js';

const time = '2026-11-01T12:00:00.000Z';
const context = { actor: 'ada', correlationId: 'correlation-1', causationId: 'command-1' };
export const newEvent = (event: ClusterEvent): NewEvent => ({ id: randomUUID(), time, context, event });
export const pinned = (snapshotId: string): NewEvent => newEvent({ type: 'SnapshotPinned', data: { snapshotId } });
export const pinnedMany = (count: number, prefix = 's'): NewEvent[] => Array.from({ length: count }, (_, n) => pinned(`${prefix}${n}`));

/** What a stored event pins, as a short way to tell events apart. */
export const nameOf = ({ event }: StoredEvent): string => ('snapshotId' in event.data ? event.data.snapshotId : event.type);
export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}
export const names = async (events: AsyncIterable<StoredEvent>): Promise<string[]> => (await gather(events)).map(nameOf);
export const label = (followed: Followed): string => (followed.kind === 'event' ? nameOf(followed.event) : followed.kind);
