// One batch of events into a read store: load the rows it touches, translate, commit rows and checkpoint together.
// Not where the events come from: projector.ts follows the log; a single stream can be shown the same way.
import type { Position, StoredEvent } from '../events/event-store.js';
import { keysOf, noRows, project } from './projection.js';
import type { KnownRows } from './projection.js';
import type { ReadStore } from './read-store.js';

export const batchSize = 500;

/**
 * Applies the events behind `expected`, skips those at or before it, and gives the new checkpoint.
 * Null where another projector has moved the checkpoint: nothing was written.
 */
export async function applyBatch(readStore: ReadStore, events: readonly StoredEvent[], expected: Position | null): Promise<Position | null> {
  const fresh = expected === null ? events : events.filter(({ position }) => position > expected);
  const last = fresh.at(-1);
  if (last === undefined) return expected;
  const changes = project(fresh, await load(readStore, fresh));
  return (await readStore.commit(changes, expected, last.position)) ? last.position : null;
}

/** Shows some events, such as one cluster's stream, in an empty read store of its own. */
export async function projectInto(readStore: ReadStore, events: AsyncIterable<StoredEvent>): Promise<void> {
  let checkpoint = await readStore.checkpoint();
  let batch: StoredEvent[] = [];
  for await (const event of events) {
    batch.push(event);
    if (batch.length < batchSize) continue;
    checkpoint = await applyBatch(readStore, batch, checkpoint);
    batch = [];
  }
  if (batch.length > 0) await applyBatch(readStore, batch, checkpoint);
}

async function load(readStore: ReadStore, events: readonly StoredEvent[]): Promise<KnownRows> {
  const keys = keysOf(events);
  const rows = noRows();
  for (const row of await readStore.clustersByIds([...keys.clusters])) if (row) rows.clusters.set(row.clusterId, row);
  for (const row of await readStore.targetsByIds([...keys.targets])) if (row) rows.targets.set(row.targetId, row);
  for (const row of await readStore.snapshotsByIds([...keys.snapshots])) if (row) rows.snapshots.set(row.snapshotId, row);
  return rows;
}
