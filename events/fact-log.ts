// Writes a log line for every fact that is appended, whoever appends it: so one snapshot can be followed by its id from request to prune.
// A decorator of the event store; says nothing of facts that were read, and nothing of certificates or settings.
import type { DomainEvent, DomainEventType } from './catalogue.js';
import type { EventStore, NewEvent } from './event-store.js';

type Level = 'debug' | 'info' | 'warn' | 'error';

export interface FactLog {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

const levels: { readonly [T in DomainEventType]?: Level } = {
  SnapshotProgressed: 'debug',
  SnapshotSkipped: 'warn',
  SnapshotPartFailed: 'warn',
  SnapshotCopyFailed: 'warn',
  SnapshotPruneFailed: 'warn',
  SnapshotFailed: 'error',
};

const shown = new Set([
  'snapshotId', 'name', 'kind', 'slot', 'part', 'attempt', 'worker', 'targetId', 'node', 'outcome', 'reason', 'failure', 'retryAfterMs', 'revision',
]);

/** The same store; lines are written once the events are durable. */
export function withFactLog(store: EventStore, log: FactLog): EventStore {
  return {
    ...store,
    async append(stream, expected, events) {
      const appended = await store.append(stream, expected, events);
      for (const event of events) logFact(log, stream, event);
      return appended;
    },
  };
}

function logFact(log: FactLog, stream: string, { event, context }: NewEvent): void {
  log[levels[event.type] ?? 'info']({ stream, actor: context.actor, ...shownData(event) }, event.type);
}

function shownData({ data }: DomainEvent): object {
  return Object.fromEntries(Object.entries(data).filter(([field]) => shown.has(field)));
}
