// What an append must be before any event store is asked: named, exact, not empty, not too large, and serialised.
// Not what the store then finds: that is each adapter's matter.
import { encode } from './catalogue.js';
import { SnapkeepError } from './errors.js';
import type { ExpectedRevision, NewEvent } from './event-store.js';

const maximumBytes = 1_048_576;
/** More than the names of the envelope's fields and its version need as JSON. */
const envelopeBytes = 160;
const streamName = /^(cluster|target)-[a-z0-9-]+$/;

/** An event on its way into a log; `data` is JSON. */
export interface SerialisedEvent {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly data: string;
  readonly source: NewEvent;
}

export interface AppendRequest {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly SerialisedEvent[];
}

/** Throws APPEND_REFUSED, or EVENT_UNDECODABLE where an event does not fit its schema. */
export function appendRequestOf(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): AppendRequest {
  const refused = (why: string): SnapkeepError => appendRefused(stream, expected, why);
  if (!streamName.test(stream)) throw refused('a stream is named cluster- or target- and then a-z, 0-9 or -');
  if (expected !== 'none' && !(Number.isSafeInteger(expected) && expected >= 0)) throw refused("expected revisions are 'none', 0, 1, …");
  if (events.length === 0) throw refused('there is no event to append; append at least one');
  if (new Set(events.map((event) => event.id)).size < events.length) throw refused('two events have the same id; make one for each');
  const serialised = events.map(serialise);
  const bytes = serialised.reduce((sum, event) => sum + bytesOf(event), 0);
  if (bytes > maximumBytes) throw refused(`${bytes} bytes of events are more than the ${maximumBytes} of one append; split it`);
  return { stream, expected, events: serialised };
}

export function appendRefused(stream: string, expected: ExpectedRevision, why: string, cause?: unknown): SnapkeepError {
  return new SnapkeepError('APPEND_REFUSED', `appending to ${JSON.stringify(stream)}: ${why}`, { details: { stream, expected }, cause });
}

export function appendConflict(stream: string, expected: ExpectedRevision, actual: ExpectedRevision): SnapkeepError {
  const why = actual === expected ? 'an event with one of the ids is in the log already' : `it is at revision ${actual}`;
  return new SnapkeepError('APPEND_CONFLICT', `appending to ${stream} at revision ${expected}: ${why}; read the stream and decide again`, {
    details: { stream, expected, actual },
  });
}

function serialise(source: NewEvent): SerialisedEvent {
  const { type, version, data } = encode(source.event);
  return { id: source.id, type, version, data: JSON.stringify(data), source };
}

/** Counted as EventStoreDB does, with the envelope: a log can be copied from any store into any other. */
function bytesOf({ type, data, source: { time, context } }: SerialisedEvent): number {
  return Buffer.byteLength(data) + Buffer.byteLength(JSON.stringify({ time, ...context })) + 2 * type.length + envelopeBytes;
}
