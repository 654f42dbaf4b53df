// The event store in one SQLite file, for one process: the embedded adapter.
// Reads page by page, so that neither the database nor the event loop is held for long; not for several processes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createAppendSignal } from './append-signal.js';
import { SnapkeepError } from './errors.js';
import { eventAppender } from './event-appender.sqlite.js';
import { openEventLog } from './event-log.sqlite.js';
import { eventOf, eventRows } from './event-rows.sqlite.js';
import type { EventStore, Followed, StoredEvent } from './event-store.js';
import { positionOf, sequenceOf } from './position.js';

export interface SqliteEventStoreOptions {
  /** Rows read at once. */
  readonly pageSize?: number;
}

/** `path` may be ':memory:'. Throws STORE_IN_USE while anyone has the file open, STORE_CORRUPT where it is no log of this release. */
export function openSqliteEventStore(path: string, { pageSize = 500 }: SqliteEventStoreOptions = {}): EventStore {
  const { db, id } = openEventLog(path);
  const rows = eventRows(db);
  const grown = createAppendSignal();
  const appender = eventAppender(db, rows, grown.ring);

  const assertOpen = (): void => {
    if (!db.isOpen) throw new SnapkeepError('STORE_CLOSED', `the event log ${path} has been closed; open it again`, { details: { path } });
  };

  async function* streamFrom(stream: string, fromRevision: number): AsyncGenerator<StoredEvent> {
    for (let next = fromRevision; ;) {
      assertOpen();
      const page = rows.pageOfStream(stream, next, pageSize);
      for (const row of page) yield eventOf(row);
      if (page.length < pageSize) return;
      next += page.length;
      await nextTurn();
    }
  }

  async function* logBetween(after: number, through: number): AsyncGenerator<StoredEvent> {
    for (let last = after; last < through;) {
      assertOpen();
      const page = rows.pageOfLog(last, through, pageSize);
      for (const row of page) yield eventOf(row);
      last = page.length < pageSize ? through : Number(page.at(-1)?.['position']);
      await nextTurn();
    }
  }

  async function* followFrom(after: number, signal: AbortSignal): AsyncGenerator<Followed> {
    const ended = (): boolean => signal.aborted || !db.isOpen;
    let last = after;
    let caughtUp = false;
    while (!ended()) {
      const page = rows.pageOfLog(last, Number.MAX_SAFE_INTEGER, pageSize);
      for (const row of page) {
        yield { kind: 'event', event: eventOf(row) };
        if (ended()) return;
        last = Number(row['position']);
      }
      if (page.length === pageSize) await nextTurn();
      else if (!caughtUp) yield { kind: 'caught-up' };
      else if (page.length === 0) await grown.next(signal);
      caughtUp ||= page.length < pageSize;
    }
  }

  const startOf = (after: string | undefined): number => {
    assertOpen();
    return after === undefined ? 0 : sequenceOf(after, rows.head());
  };

  return {
    id,
    async append(stream, expected, events) {
      assertOpen();
      return appender.append(stream, expected, events);
    },
    readStream(stream, fromRevision = 0) {
      assertOpen();
      return streamFrom(stream, fromRevision);
    },
    readAll: (after) => logBetween(startOf(after), rows.head()),
    follow: ({ after, signal }) => followFrom(startOf(after), signal),
    async head() {
      assertOpen();
      const last = rows.head();
      return last === 0 ? null : positionOf(last);
    },
    async close() {
      if (!db.isOpen) return;
      appender.flush();
      db.close();
      grown.ring();
    },
  };
}
