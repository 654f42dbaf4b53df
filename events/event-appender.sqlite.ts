// The only writer of the embedded event log: checks revisions, knows repeated appends, puts what comes at once into one transaction.
// Not reading, nor the port: see event-store.sqlite.ts.
import type { DatabaseSync } from 'node:sqlite';
import { type AppendRequest, appendConflict, appendRequestOf } from './append-request.js';
import { SnapkeepError } from './errors.js';
import type { Appended, ExpectedRevision, NewEvent } from './event-store.js';
import type { EventRows } from './event-rows.sqlite.js';

interface Waiting {
  readonly request: AppendRequest;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

export interface EventAppender {
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended>;
  /** Writes at once what still waits. */
  flush(): void;
}

/** `onAppended` is called after each transaction, when its events are durable. */
export function eventAppender(db: DatabaseSync, rows: EventRows, onAppended: () => void): EventAppender {
  let waiting: Waiting[] = [];

  const flush = (): void => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    try {
      const outcomes = inTransaction(db, () => batch.map(({ request }) => outcomeOf(rows, request)));
      outcomes.forEach((outcome, n) => settle(batch[n], outcome));
      onAppended();
    } catch (cause) {
      batch.forEach((one) => one.reject(inDoubt(one.request, cause)));
    }
  };

  return {
    flush,
    async append(stream, expected, events) {
      const request = appendRequestOf(stream, expected, events);
      return new Promise((resolve, reject) => {
        // One fsync for all that come in the same turn of the event loop.
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ request, resolve, reject });
      });
    },
  };
}

function settle(one: Waiting | undefined, outcome: Appended | SnapkeepError): void {
  if (outcome instanceof SnapkeepError) one?.reject(outcome);
  else one?.resolve(outcome);
}

function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Writes the events or says why not, before any of them is written. */
function outcomeOf(log: EventRows, { stream, expected, events }: AppendRequest): Appended | SnapkeepError {
  const next = expected === 'none' ? 0 : expected + 1;
  const actual = log.streamHead(stream);
  if (actual !== expected) return repeated(log, { stream, expected, events }, next) ?? appendConflict(stream, expected, actual);
  if (events.some((event) => log.has(event.id))) return appendConflict(stream, expected, actual);
  const positions = events.map((event, n) => log.insert(stream, next + n, event));
  return { revision: next + events.length - 1, position: positions.at(-1) ?? '' };
}

/** The first answer, where exactly these events were appended at this revision before. */
function repeated(log: EventRows, { stream, events }: AppendRequest, next: number): Appended | null {
  const places = log.places(stream, next, events.length);
  const last = places.at(-1);
  const same = places.length === events.length && places.every((place, n) => place.id === events[n]?.id);
  return same && last ? { revision: last.revision, position: last.position } : null;
}

/** Also where nothing was written for certain, such as a full disk: the same append, repeated, is the remedy of all of them. */
function inDoubt({ stream, expected }: AppendRequest, cause: unknown): SnapkeepError {
  return new SnapkeepError('IN_DOUBT', `appending to ${stream} at revision ${expected}: the file did not confirm the write `
    + `(${String(cause)}); check the disk and repeat the same append`, { details: { stream, expected }, cause });
}
