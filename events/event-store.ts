// The event store port: where facts are kept. Not what they mean: that is the catalogue's and the deciders' matter.
// Every adapter passes event-store.contract.ts.
import type { DomainEvent } from './catalogue.js';

/** Fixed-width, so that lexicographic order is the log's order. Belongs to one store: see `EventStore.id`. */
export type Position = string;

/** Revision of a stream's last event (0 for the first), or 'none' where the stream must not exist. */
export type ExpectedRevision = number | 'none';

/** Who caused an event, and in answer to what. */
export interface EventContext {
  readonly actor: string;
  /** Id shared by everything that one request or slot set off. */
  readonly correlationId: string;
  /** Id of the event or command that led to this one. */
  readonly causationId: string;
}

/** An event as its writer hands it over. `id` is a UUID made once, so that the same append can be repeated. */
export interface NewEvent {
  readonly id: string;
  /** Our time, RFC 3339 UTC with milliseconds. */
  readonly time: string;
  readonly context: EventContext;
  readonly event: DomainEvent;
}

/** An event as it is kept. */
export interface StoredEvent extends NewEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
}

export interface Appended {
  /** Revision of the last event appended. */
  readonly revision: number;
  /** Position of the last event appended. */
  readonly position: Position;
}

export type Followed =
  | { readonly kind: 'event'; readonly event: StoredEvent }
  /** Everything that was in the log when it was reached has been handed out; comes again after a reconnect. */
  | { readonly kind: 'caught-up' };

export interface EventStore {
  /** Short id of this log, part of every cursor; stable for as long as the log exists. */
  readonly id: string;

  /**
   * Appends all events or none. Safe to repeat with the same ids and revision: then nothing is written and the first answer is given again.
   * Throws SnapkeepError APPEND_CONFLICT (details: stream, expected, actual), APPEND_REFUSED (empty, bad name, too large),
   * IN_DOUBT (it may have been stored). Returns only when the events are durable.
   */
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended>;

  /** Events of one stream from a revision on (0 by default); nothing for a missing stream. */
  readStream(stream: string, fromRevision?: number): AsyncIterable<StoredEvent>;

  /** Events of all streams behind a position (from the start by default) up to the log's end at the time of the call. */
  readAll(after?: Position): AsyncIterable<StoredEvent>;

  /** Like readAll, then goes on for ever as events come, until `signal` aborts, which ends it without an error. */
  follow(options: { readonly after?: Position | undefined; readonly signal: AbortSignal }): AsyncIterable<Followed>;

  /** Position of the last event; null for an empty log. */
  head(): Promise<Position | null>;

  /** Ends all follows and gives the log free. Calls after it throw STORE_CLOSED. */
  close(): Promise<void>;
}
