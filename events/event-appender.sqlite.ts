// The only writer of the embedded event log: checks revisions, knows repeated appends, puts what comes at once into one transaction.
// Not reading, nor the port: see event-store.sqlite.ts.
import type { DatabaseSync } from 'node:sqlite';
import { SnapkeepError } from './errors.js';
import type { Appended, ExpectedRevision, NewEvent } from './event-store.js';
import { type EventRow, type EventRows, rowOf } from './event-rows.sqlite.js';

const maximumBytes = 1_048_576;
const streamName = /^(cluster|target)-[a-z0-9-]+$/;

interface Request {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly rows: readonly EventRow[];
}

interface Waiting {
  readonly request: Request;
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
      const request = requestOf(stream, expected, events);
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
function outcomeOf(log: EventRows, { stream, expected, rows }: Request): Appended | SnapkeepError {
  const next = expected === 'none' ? 0 : expected + 1;
  const actual = log.streamHead(stream);
  if (actual !== expected) return repeated(log, { stream, expected, rows }, next) ?? conflict(stream, expected, actual);
  if (rows.some((row) => log.has(row.id))) return conflict(stream, expected, actual);
  const positions = rows.map((row, n) => log.insert(stream, next + n, row));
  return { revision: next + rows.length - 1, position: positions.at(-1) ?? '' };
}

/** The first answer, where exactly these events were appended at this revision before. */
function repeated(log: EventRows, { stream, rows }: Request, next: number): Appended | null {
  const places = log.places(stream, next, rows.length);
  const last = places.at(-1);
  const same = places.length === rows.length && places.every((place, n) => place.id === rows[n]?.id);
  return same && last ? { revision: last.revision, position: last.position } : null;
}

function requestOf(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Request {
  const refused = (why: string): SnapkeepError => (
    new SnapkeepError('APPEND_REFUSED', `appending to ${JSON.stringify(stream)}: ${why}`, { details: { stream, expected } })
  );
  if (!streamName.test(stream)) throw refused('a stream is named cluster- or target- and then a-z, 0-9 or -');
  if (expected !== 'none' && !(Number.isSafeInteger(expected) && expected >= 0)) throw refused("expected revisions are 'none', 0, 1, …");
  if (events.length === 0) throw refused('there is no event to append; append at least one');
  if (new Set(events.map((event) => event.id)).size < events.length) throw refused('two events have the same id; make one for each');
  const rows = events.map(rowOf);
  const bytes = rows.reduce((sum, row) => sum + Buffer.byteLength(row.data), 0);
  if (bytes > maximumBytes) throw refused(`${bytes} bytes of events are more than the ${maximumBytes} of one append; split it`);
  return { stream, expected, rows };
}

function conflict(stream: string, expected: ExpectedRevision, actual: ExpectedRevision): SnapkeepError {
  const why = actual === expected ? 'an event with one of the ids is in the log already' : `it is at revision ${actual}`;
  return new SnapkeepError('APPEND_CONFLICT', `appending to ${stream} at revision ${expected}: ${why}; read the stream and decide again`, {
    details: { stream, expected, actual },
  });
}

/** Also where nothing was written for certain, such as a full disk: the same append, repeated, is the remedy of all of them. */
function inDoubt({ stream, expected }: Request, cause: unknown): SnapkeepError {
  return new SnapkeepError('IN_DOUBT', `appending to ${stream} at revision ${expected}: the file did not confirm the write `
    + `(${String(cause)}); check the disk and repeat the same append`, { details: { stream, expected }, cause });
}
