// The event store on EventStoreDB, for any number of processes: the production adapter.
// Holds nothing but the connection: how the server is read, written, followed and misunderstood is in the files beside this.
import { setTimeout as pauseFor } from 'node:timers/promises';
import { appendRequestOf } from './append-request.js';
import { SnapkeepError } from './errors.js';
import { appended, recordWriter, type WriteRecords } from './event-appender.eventstoredb.js';
import { followLog, type LastEvent } from './event-follower.eventstoredb.js';
import { type EventReader, eventReader } from './event-reader.eventstoredb.js';
import type { EventStore, Followed, Position, StoredEvent } from './event-store.js';
import { ensuredIdentity, logIdentity } from './log-identity.eventstoredb.js';
import { type ServerConnection, serverConnection } from './server-connection.eventstoredb.js';
import { readingError, wordsOf } from './server-errors.eventstoredb.js';

export interface EventStoreDbOptions {
  /** How long one call may take, in ms. */
  readonly callMs?: number;
  /** How long an append is tried again before it is in doubt, in ms; the last try may take `callMs` more. */
  readonly appendWithinMs?: number;
  /** The same for a read, before STORE_UNAVAILABLE. */
  readonly readWithinMs?: number;
  /** The same for the first contact, while the server may still be starting. */
  readonly openWithinMs?: number;
  /** Events read at once. */
  readonly pageSize?: number;
  /** Put before the names of all streams, so that several logs can share one database; none by default. */
  readonly namespace?: string;
  /** Told in words when a follower loses its connection, which comes back by itself, and when the first contact fails, which is tried again. */
  readonly onInterrupted?: (cause: string) => void;
  /** Ends the wait for the first contact: what it aborts with is thrown. */
  readonly signal?: AbortSignal;
}

type Settings = Required<EventStoreDbOptions>;
const defaults: Settings = {
  callMs: 8000,
  appendWithinMs: 15_000,
  readWithinMs: 5000,
  openWithinMs: 60_000,
  pageSize: 500,
  namespace: '',
  onInterrupted: () => undefined,
  signal: new AbortController().signal,
};
const closeWithinMs = 3000;

/**
 * `connectionString` as eventStoreDbFault allows it. Throws CONFIG_INVALID where it is faulty or the server refuses the user,
 * STORE_UNAVAILABLE where no server answers in time, STORE_CORRUPT where the database cannot be Snapkeep's.
 */
export async function openEventStoreDb(connectionString: string, options: EventStoreDbOptions = {}): Promise<EventStore> {
  const settings = { ...defaults, ...options };
  const connection = serverConnection(connectionString, settings.namespace);
  const closed = new AbortController();
  let told = false;
  const onFailedTry = (cause: unknown): void => {
    if (!told) settings.onInterrupted(`opening the event log at ${connection.address}: ${wordsOf(cause)}`);
    told = true;
  };
  const patience = { withinMs: settings.openWithinMs, signal: settings.signal, onFailedTry };
  try {
    const reader = eventReader(connection, { ...settings, ...patience });
    const id = await ensuredIdentity(reader, recordWriter(connection, { ...settings, ...patience }));
    return openedStore(id, connection, settings, closed);
  } catch (error) {
    await disposed(connection, []);
    settings.signal.throwIfAborted();
    throw readingError(connection.address, error);
  }
}

function openedStore(id: string, connection: ServerConnection, settings: Settings, closed: AbortController): EventStore {
  const { address } = connection;
  const readerUntil = (signal: AbortSignal): EventReader => eventReader(connection, { ...settings, withinMs: settings.readWithinMs, signal });
  const reader = readerUntil(closed.signal);
  const write: WriteRecords = recordWriter(connection, { ...settings, withinMs: settings.appendWithinMs, signal: closed.signal });
  const pending = new Set<Promise<unknown>>();

  const storeClosed = (): SnapkeepError => new SnapkeepError('STORE_CLOSED', `the event log at ${address} has been closed; open it again`);
  const assertOpen = (): void => {
    if (closed.signal.aborted) throw storeClosed();
  };
  const explained = (error: unknown): SnapkeepError => (closed.signal.aborted ? storeClosed() : readingError(address, error));
  async function* readingOf<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw explained(error);
    }
  }

  async function* logBetween(after: Position | undefined, end: ReturnType<EventReader['end']>): AsyncGenerator<StoredEvent> {
    const from = after === undefined ? null : await reader.checked(after);
    yield* reader.log(from, await end);
  }

  const follow = (after: Position | undefined, signal: AbortSignal): AsyncGenerator<Followed> => {
    const own = readerUntil(signal);
    const checked = async (last: LastEvent | null) => {
      // The server may have come back with another database.
      if (await logIdentity(own) !== id) throw logReplaced(address, id, last);
      return last && own.checked(last.position, last.id);
    };
    const onInterrupted = (cause: unknown): void => settings.onInterrupted(`following the event log at ${address}: ${wordsOf(cause)}`);
    return followLog(connection, { checked, onInterrupted }, after, signal);
  };

  return {
    id,
    async append(stream, expected, events) {
      assertOpen();
      const appending = appended(write, appendRequestOf(stream, expected, events), address);
      pending.add(appending);
      try {
        return await appending;
      } finally {
        pending.delete(appending);
      }
    },
    readStream(stream, fromRevision = 0) {
      assertOpen();
      return readingOf(reader.stream(stream, fromRevision));
    },
    readAll(after) {
      assertOpen();
      const end = reader.end();
      // Whoever reads gets the error; nobody may.
      end.catch(() => undefined);
      return readingOf(logBetween(after, end));
    },
    follow({ after, signal }) {
      assertOpen();
      return readingOf(follow(after, AbortSignal.any([signal, closed.signal])));
    },
    async head() {
      assertOpen();
      return reader.head().catch((error: unknown) => { throw explained(error); });
    },
    async close() {
      if (closed.signal.aborted) return;
      closed.abort();
      await disposed(connection, [...pending]);
    },
  };
}

function logReplaced(address: string, id: string, last: LastEvent | null): SnapkeepError {
  return new SnapkeepError('POSITION_FOREIGN', `following the event log at ${address}: the log ${id} is gone, its database was emptied or replaced; `
    + 'put back a copy of it, or start again with the log that is there now', { details: { position: last?.position ?? null } });
}

/** The client's own way to end may hang for ever. */
async function disposed({ client }: ServerConnection, pending: readonly Promise<unknown>[]): Promise<void> {
  const ended = Promise.allSettled(pending).then(() => client.dispose());
  await Promise.race([ended, pauseFor(closeWithinMs, undefined, { ref: false })]);
}
