// Copies one event log into another, of whatever kind: the same events in the same order, at the same revisions, with the same ids.
// Positions are the target's own. Which stores these are, and their vaults, is the caller's matter.
import { createHash } from 'node:crypto';
import { isSnapkeepError, SnapkeepError } from './errors.js';
import type { EventStore, Position, StoredEvent } from './event-store.js';

/** Of all events in the log's order, without their positions. */
export interface LogDigest {
  readonly events: number;
  /** Hex. */
  readonly sha256: string;
}

/** Below what one append may have, which is counted otherwise: see append-request.ts. */
const batchBytes = 262_144;
const batchEvents = 100;

/**
 * Position in `from` up to which `to` has its events already; undefined where it has none.
 * @throws SnapkeepError CONFIG_INVALID where `to` holds any event that `from` does not have at this place.
 */
export async function copiedUntil(from: EventStore, to: EventStore): Promise<Position | undefined> {
  const source = from.readAll()[Symbol.asyncIterator]();
  let position: Position | undefined;
  for await (const copied of to.readAll()) {
    const next: IteratorResult<StoredEvent, unknown> = await source.next();
    if (next.done === true || factOf(next.value) !== factOf(copied)) throw occupied(copied);
    position = next.value.position;
  }
  await source.return?.();
  return position;
}

/**
 * Appends what `from` has behind `after`, which `copiedUntil` gave. May be interrupted at any instant and begun again there: since one append
 * follows the other, `to` always holds a beginning of `from`. `onCopied` is told how many events have become durable.
 */
export async function copyEvents(from: EventStore, to: EventStore, after: Position | undefined, onCopied: (events: number) => void): Promise<void> {
  for await (const batch of batchesOf(from.readAll(after))) {
    await appendBatch(to, batch);
    onCopied(batch.length);
  }
}

/** Reads both logs whole. @throws SnapkeepError STORE_CORRUPT where they differ. */
export async function comparedLogs(from: EventStore, to: EventStore): Promise<LogDigest> {
  const [source, copy] = [await digestOf(from), await digestOf(to)];
  if (source.events === copy.events && source.sha256 === copy.sha256) return copy;
  throw new SnapkeepError('STORE_CORRUPT', `comparing the copy of the log: it has ${copy.events} events with SHA-256 ${copy.sha256}, the source `
    + `${source.events} with ${source.sha256}; stop every Snapkeep on either, and run the same command again: where that does not help, the target `
    + 'is damaged, so empty it first', { details: { source, copy } });
}

async function digestOf(store: EventStore): Promise<LogDigest> {
  const hash = createHash('sha256');
  let events = 0;
  for await (const stored of store.readAll()) {
    hash.update(`${factOf(stored)}\n`);
    events += 1;
  }
  return { events, sha256: hash.digest('hex') };
}

/** All of an event but its position. */
function factOf({ stream, revision, id, time, context, event }: StoredEvent): string {
  const { actor, correlationId, causationId } = context;
  return JSON.stringify([stream, revision, id, time, actor, correlationId, causationId, event.type, event.data]);
}

type Batch = readonly [StoredEvent, ...StoredEvent[]];

/** Neighbours in the log that are neighbours in one stream. The same from the same place on, so that a repeated append has the same ids. */
async function* batchesOf(events: AsyncIterable<StoredEvent>): AsyncGenerator<Batch> {
  let batch: [StoredEvent, ...StoredEvent[]] | null = null;
  let bytes = 0;
  for await (const stored of events) {
    const size = Buffer.byteLength(factOf(stored));
    if (batch && batch[0].stream === stored.stream && batch.length < batchEvents && bytes + size <= batchBytes) {
      batch.push(stored);
      bytes += size;
      continue;
    }
    if (batch) yield batch;
    batch = [stored];
    bytes = size;
  }
  if (batch) yield batch;
}

async function appendBatch(to: EventStore, batch: Batch): Promise<void> {
  const [{ stream, revision }] = batch;
  const events = batch.map(({ id, time, context, event }) => ({ id, time, context, event }));
  try {
    await to.append(stream, revision === 0 ? 'none' : revision - 1, events);
  } catch (error) {
    if (!isSnapkeepError(error, 'APPEND_CONFLICT')) throw error;
    throw new SnapkeepError('CONFIG_INVALID', `copying the log: somebody else writes to ${stream} in the target; stop every Snapkeep on it, empty `
      + 'it, and run the same command again', { cause: error });
  }
}

function occupied({ stream, revision, event: { type } }: StoredEvent): SnapkeepError {
  return new SnapkeepError('CONFIG_INVALID', `copying the log: the target holds what the source does not have in this place, ${type} at revision `
    + `${revision} of ${stream}; name an empty target, or the one in which an earlier copy of this log was interrupted`);
}
