// How fast a log is replayed: read and decoded, folded by the ledger, and shown in an empty read store by the projector.
// The log is generated: one cluster, snapshots that are requested, started, taken on two targets and mostly pruned again.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DomainEvent } from '../events/catalogue.js';
import { clusterStream } from '../events/cluster-events.js';
import type { EventStore, ExpectedRevision } from '../events/event-store.js';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import { cluster, copy, facts, minute, newEvent, policy, pruned, registered, requested, started, taken }
  from '../projections/event-samples.fixture.js';
import { createProjector } from '../projections/projector.js';
import { openSqliteReadStore } from '../projections/read-store.sqlite.js';
import { createCommandHandler } from '../services/ledger/command-handler.js';
import { printFact, timed } from './measured-times.js';

const SNAPSHOTS_PER_APPEND = 20;

export async function benchReplay(snapshots: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'snapkeep-bench-'));
  const store = openSqliteEventStore(join(folder, 'events.db'));
  try {
    const events = await generate(store, snapshots);
    printFact('events in the log', String(events));
    const report = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      const ms = await timed(work);
      printFact(name, `${(events / ms * 1000).toFixed(0)} events/s`);
    };
    await report('read and decoded', () => readAll(store));
    await report('folded by the ledger, one stream', () => fold(store));
    await report('replayed by the projector into an empty SQLite read store', () => show(store, join(folder, 'read.db')));
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function generate(store: EventStore, snapshots: number): Promise<number> {
  let expected: ExpectedRevision = 'none';
  let count = 0;
  const append = async (events: readonly DomainEvent[]): Promise<void> => {
    const appended = await store.append(clusterStream(cluster), expected, events.map((event, index) => newEvent(event, count + index)));
    expected = appended.revision;
    count += events.length;
  };
  await append([registered, policy]);
  for (let first = 0; first < snapshots; first += SNAPSHOTS_PER_APPEND) {
    await append(Array.from({ length: SNAPSHOTS_PER_APPEND }, (_, index) => snapshotEvents(first + index, snapshots)).flat());
  }
  return count;
}

/** The latest hundred are kept. */
function snapshotEvents(n: number, count: number): DomainEvent[] {
  const id = `${cluster}.${String(n).padStart(26, '0')}`;
  const copies = [copy('local'), copy('nas')];
  const gone = n < count - 100 ? [...pruned('local', id), ...pruned('nas', id)] : [];
  return [requested(undefined, id), started(1, 'any', id), ...taken({ id, copies, read: facts(minute(n), n) }), ...gone];
}

async function readAll(store: EventStore): Promise<number> {
  let count = 0;
  for await (const { event } of store.readAll()) if (event.type !== 'ClusterRegistered') count += 1;
  return count;
}

async function fold(store: EventStore): Promise<void> {
  await createCommandHandler({ store, now: () => minute(0), newId: randomUUID }).clusterState(cluster);
}

async function show(store: EventStore, path: string): Promise<void> {
  const readStore = openSqliteReadStore(path, { eventStoreId: store.id, localPath: '/var/snapshots' });
  const projector = createProjector({ store, readStore });
  const ending = new AbortController();
  const ran = projector.run(ending.signal);
  const shown = await projector.waitFor(await store.head() ?? '', 600_000);
  ending.abort();
  await ran;
  await readStore.close();
  if (!shown) throw new Error('the projector did not reach the end of the log', { cause: projector.state().failure });
}
