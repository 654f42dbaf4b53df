// The records of EventStoreDB: how events become records and records events, and what positions look like there.
// Not how they are read or written.
import { type AllStreamRecordedEvent, type EventData, jsonEvent, type Position as LogPosition, type RecordedEvent } from '@eventstore/db-client';
import { z } from 'zod';
import type { SerialisedEvent } from './append-request.js';
import { decode } from './catalogue.js';
import { SnapkeepError } from './errors.js';
import type { Position, StoredEvent } from './event-store.js';

/** Streams of ours; everything else in the database is passed over. */
export const streamPrefixes = ['cluster-', 'target-'];

const digits = 20;
const shape = /^(\d{20})-(\d{20})$/;
const largest = 2n ** 63n - 1n;

/** With the names by which EventStoreDB itself follows causes. */
const envelopeSchema = z.object({
  version: z.int(), time: z.string(), actor: z.string(), $correlationId: z.string(), $causationId: z.string(),
});

/** `commit-prepare`, each zero-padded to 20 digits, so that text order is the log's order. */
export function positionOf({ commit, prepare }: LogPosition): Position {
  return `${String(commit).padStart(digits, '0')}-${String(prepare).padStart(digits, '0')}`;
}

/** The numbers within. Throws POSITION_FOREIGN where the text is no position of EventStoreDB. */
export function logPositionOf(position: Position): LogPosition {
  const [, commit = '', prepare = ''] = shape.exec(position) ?? [];
  const numbers = { commit: BigInt(commit), prepare: BigInt(prepare) };
  if (commit === '' || numbers.commit > largest || numbers.prepare > largest) {
    throw positionForeign(position, `is not twice ${digits} digits; it belongs to another kind of event store`);
  }
  return numbers;
}

export function positionForeign(position: Position, why: string): SnapkeepError {
  return new SnapkeepError('POSITION_FOREIGN', `reading the event log: position ${JSON.stringify(position)} ${why}; read from the start instead`, {
    details: { position },
  });
}

/** Not the server's own, whose types begin with $, such as the mark of a deleted stream. */
export function isOurs({ streamId, type }: AllStreamRecordedEvent, namespace: string): boolean {
  return streamPrefixes.some((prefix) => streamId.startsWith(namespace + prefix)) && !type.startsWith('$');
}

export function recordOf({ id, type, version, data, source: { time, context } }: SerialisedEvent): EventData {
  const metadata: z.infer<typeof envelopeSchema> = {
    version, time, actor: context.actor, $correlationId: context.correlationId, $causationId: context.causationId,
  };
  // What has been serialised once cannot fail to be within the client, where such an error would end the process.
  return jsonEvent({ id, type, data: JSON.parse(data) as Record<string, unknown>, metadata });
}

/** Throws EVENT_UNDECODABLE or EVENT_VERSION_UNKNOWN, naming stream, revision, position and type. */
export function eventOf(record: RecordedEvent | AllStreamRecordedEvent, namespace: string): StoredEvent {
  const { id, type, data } = record;
  const position = record.position ? positionOf(record.position) : '';
  const place = { stream: record.streamId.slice(namespace.length), revision: Number(record.revision), position };
  const envelope = envelopeSchema.safeParse(record.metadata);
  if (!envelope.success) {
    const details = { ...place, type };
    throw new SnapkeepError('EVENT_UNDECODABLE', `event ${type} at ${JSON.stringify(place)} does not have the metadata of Snapkeep's: `
      + `${envelope.error.message}; another program writes to its streams, end that`, { details });
  }
  const { version, time, actor, $correlationId: correlationId, $causationId: causationId } = envelope.data;
  return { id, time, context: { actor, correlationId, causationId }, event: decode({ type, version, data }, place), ...place };
}
