// Reads EventStoreDB page by page: one stream, or the whole log. Each page has a time limit and is asked for again while that may help.
// Never ends a page early, which would leave the client unable to close. Errors are the client's; their meaning is in server-errors.eventstoredb.ts.
import {
  type AllStreamRecordedEvent, type AllStreamResolvedEvent, BACKWARDS, END, FORWARDS, type Position as LogPosition, type RecordedEvent,
  type ResolvedEvent, START, type StreamingRead,
} from '@eventstore/db-client';
import { SnapkeepError } from './errors.js';
import type { Position, StoredEvent } from './event-store.js';
import { eventOf, isOurs, logPositionOf, positionForeign, positionOf } from './event-records.eventstoredb.js';
import { type Persistence, persistently, withinTime } from './server-calls.eventstoredb.js';
import type { ServerConnection } from './server-connection.eventstoredb.js';
import { serverFault } from './server-errors.eventstoredb.js';

export interface ReaderSettings extends Persistence {
  /** Events read at once. */
  readonly pageSize: number;
  /** How long one page may take. */
  readonly callMs: number;
}

export interface EventReader {
  /** The first event of any stream. */
  firstOf(stream: string): Promise<RecordedEvent | null>;
  stream(stream: string, fromRevision: number): AsyncGenerator<StoredEvent>;
  /** Events of ours behind `after` up to and with `through`. */
  log(after: LogPosition | null, through: LogPosition | null): AsyncGenerator<StoredEvent>;
  /** Of the log's last event, whosesoever. */
  end(): Promise<LogPosition | null>;
  /** Of the last event of ours. */
  head(): Promise<Position | null>;
  /**
   * Throws POSITION_FOREIGN where no event of ours is there, or another than the one with the id.
   * The server itself takes a position beyond its end, and then passes over what comes before it.
   */
  checked(position: Position, id?: string): Promise<LogPosition>;
}

export function eventReader(connection: ServerConnection, { pageSize, callMs, ...persistence }: ReaderSettings): EventReader {
  const { client, credentials, namespace } = connection;
  const ours = (record: AllStreamRecordedEvent): boolean => isOurs(record, namespace);
  const whole = <R>(open: () => StreamingRead<R>): Promise<R[]> => (
    persistently(() => wholePage(open(), callMs, persistence.signal), persistence)
  );

  const pageOfStream = async (stream: string, fromRevision: number, maxCount: number): Promise<ResolvedEvent[]> => {
    try {
      return await whole(() => client.readStream(namespace + stream, { fromRevision: BigInt(fromRevision), maxCount, credentials }));
    } catch (error) {
      if (serverFault(error) === 'missing') return [];
      throw error;
    }
  };
  const pageOfLog = async (fromPosition: LogPosition | null, maxCount: number): Promise<AllStreamRecordedEvent[]> => (
    recordsOf(await whole(() => client.readAll({ direction: FORWARDS, fromPosition: fromPosition ?? START, maxCount, credentials })))
  );
  const pageBefore = async (fromPosition: LogPosition | null, maxCount: number): Promise<AllStreamRecordedEvent[]> => (
    recordsOf(await whole(() => client.readAll({ direction: BACKWARDS, fromPosition: fromPosition ?? END, maxCount, credentials })))
  );

  return {
    async firstOf(stream) {
      return (await pageOfStream(stream, 0, 1))[0]?.event ?? null;
    },

    async* stream(stream, fromRevision) {
      for (let next = fromRevision; ;) {
        const page = await pageOfStream(stream, next, pageSize);
        for (const { event: record } of page) {
          if (record === undefined || record.revision !== BigInt(next)) throw eventMissing(stream, next);
          yield eventOf(record, namespace);
          next += 1;
        }
        if (page.length < pageSize) return;
      }
    },

    async* log(after, through) {
      for (let last = after; through !== null;) {
        // One more, since the first of a page is the last of the page before.
        const page = await pageOfLog(last, pageSize + 1);
        const from = last;
        const fresh = page.filter(({ position }) => (from === null || isBehind(position, from)) && !isBehind(position, through));
        for (const record of fresh.filter(ours)) yield eventOf(record, namespace);
        last = page.at(-1)?.position ?? through;
        if (page.length <= pageSize || !isBehind(through, last)) return;
      }
    },

    async end() {
      return (await pageBefore(null, 1))[0]?.position ?? null;
    },

    async head() {
      let before: LogPosition | null = null;
      for (let maxCount = 1; ; maxCount = pageSize) {
        const page: AllStreamRecordedEvent[] = await pageBefore(before, maxCount);
        const last = page.find(ours);
        if (last) return positionOf(last.position);
        if (page.length < maxCount) return null;
        before = page.at(-1)?.position ?? null;
      }
    },

    async checked(position, id) {
      const wanted = logPositionOf(position);
      try {
        const [record] = await pageOfLog(wanted, 1);
        const isThere = record !== undefined && positionOf(record.position) === position && ours(record);
        if (isThere && (id === undefined || record.id === id)) return wanted;
      } catch (error) {
        if (serverFault(error) !== 'no-such-position') throw error;
      }
      throw positionForeign(position, 'is no event of this log; it belongs to another one, or this one was set back');
    },
  };
}

async function wholePage<R>(read: StreamingRead<R>, callMs: number, signal: AbortSignal): Promise<R[]> {
  // The client may emit errors after the end, too.
  read.on('error', () => undefined);
  try {
    return await withinTime(read.toArray() as Promise<R[]>, callMs, signal);
  } catch (error) {
    read.cancel().catch(() => undefined);
    throw error;
  }
}

/** Links are not resolved, so that every item is an event. */
function recordsOf(page: readonly AllStreamResolvedEvent[]): AllStreamRecordedEvent[] {
  return page.flatMap(({ event }) => (event ? [event] : []));
}

function isBehind(position: LogPosition, bound: LogPosition): boolean {
  return position.commit > bound.commit || (position.commit === bound.commit && position.prepare > bound.prepare);
}

function eventMissing(stream: string, revision: number): SnapkeepError {
  return new SnapkeepError('STORE_CORRUPT', `reading ${stream}: its event ${revision} is gone; the stream's metadata in EventStoreDB limits `
    + 'its age or count, or it was truncated: take the limits away and put back a copy of the database', { details: { stream, revision } });
}
