// The rows of the embedded event log: how events become rows and rows events. Synchronous; a page is read at once.
// Not who may write when: see event-appender.sqlite.ts.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { SerialisedEvent } from './append-request.js';
import { type DomainEvent, decode } from './catalogue.js';
import { isSnapkeepError, SnapkeepError } from './errors.js';
import type { Position, StoredEvent } from './event-store.js';
import { positionOf } from './position.js';

type Row = Record<string, SQLOutputValue>;

export interface EventPlace {
  readonly id: string;
  readonly revision: number;
  readonly position: Position;
}

export interface EventRows {
  /** Number of the log's last event, 0 for an empty log. */
  head(): number;
  streamHead(stream: string): number | 'none';
  has(id: string): boolean;
  places(stream: string, fromRevision: number, limit: number): EventPlace[];
  insert(stream: string, revision: number, event: SerialisedEvent): Position;
  /** Raw rows, decoded one by one by `eventOf`, so that a broken one stops its reader only when reached. */
  pageOfStream(stream: string, fromRevision: number, limit: number): Row[];
  pageOfLog(after: number, through: number, limit: number): Row[];
}

const columns = 'position, stream, revision, id, type, version, data, time, actor, correlation_id, causation_id';

export function eventRows(db: DatabaseSync): EventRows {
  const head = db.prepare('SELECT max(position) AS n FROM events');
  const streamHead = db.prepare('SELECT max(revision) AS n FROM events WHERE stream = ?');
  const byId = db.prepare('SELECT 1 FROM events WHERE id = ?');
  const places = db.prepare('SELECT id, revision, position FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?');
  const insert = db.prepare(`INSERT INTO events (${columns}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const ofStream = db.prepare(`SELECT ${columns} FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`);
  const ofLog = db.prepare(`SELECT ${columns} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`);
  return {
    head: () => Number(head.get()?.['n'] ?? 0),
    streamHead: (stream) => {
      const last = streamHead.get(stream)?.['n'];
      return typeof last === 'number' ? last : 'none';
    },
    has: (id) => byId.get(id) !== undefined,
    places: (stream, fromRevision, limit) => places.all(stream, fromRevision, limit).map((row) => (
      { id: String(row['id']), revision: Number(row['revision']), position: positionOf(Number(row['position'])) }
    )),
    insert: (stream, revision, { id, type, version, data, source: { time, context } }) => positionOf(Number(
      insert.run(stream, revision, id, type, version, data, time, context.actor, context.correlationId, context.causationId).lastInsertRowid,
    )),
    pageOfStream: (stream, fromRevision, limit) => ofStream.all(stream, fromRevision, limit),
    pageOfLog: (after, through, limit) => ofLog.all(after, through, limit),
  };
}

/** Throws EVENT_UNDECODABLE or EVENT_VERSION_UNKNOWN, naming stream, revision, position and type. */
export function eventOf(row: Row): StoredEvent {
  const text = (column: string): string => String(row[column]);
  const place = { stream: text('stream'), revision: Number(row['revision']), position: positionOf(Number(row['position'])) };
  return {
    id: text('id'),
    time: text('time'),
    context: { actor: text('actor'), correlationId: text('correlation_id'), causationId: text('causation_id') },
    event: decoded({ type: text('type'), version: Number(row['version']), json: text('data') }, place),
    ...place,
  };
}

interface StoredForm {
  readonly type: string;
  readonly version: number;
  readonly json: string;
}

function decoded({ type, version, json }: StoredForm, place: Readonly<Record<string, unknown>>): DomainEvent {
  try {
    return decode({ type, version, data: JSON.parse(json) }, place);
  } catch (cause) {
    if (isSnapkeepError(cause)) throw cause;
    const details = { ...place, type, version };
    throw new SnapkeepError('EVENT_UNDECODABLE', `reading the event log: the event at ${JSON.stringify(details)} does not decode `
      + `(${String(cause)}); put back a copy of the log that is whole`, { details, cause });
  }
}
