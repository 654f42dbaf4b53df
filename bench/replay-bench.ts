// How fast a log is replayed: read and decoded, folded by the ledger, and shown in an empty read store by the projector; and how far the
// projector is behind meanwhile and afterwards.
// The log is generated: one cluster, snapshots that are requested, started, taken on two targets and mostly pruned again.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DomainEvent } from '../events/catalogue.js';
import { clusterStream } from '../events/cluster-events.js';
import type { EventStore, ExpectedRevision, Position } from '../events/event-store.js';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import { cluster, copy, facts, minute, newEvent, policy, pruned, registered, requested, started, taken }
  from '../projections/event-samples.fixture.js';
import { createProjector } from '../projections/projector.js';
import type { Projector } from '../projections/projector.js';
import { openSqliteReadStore } from '../projections/read-store.sqlite.js';
import { createCommandHandler } from '../services/ledger/command-handler.js';
import { printFact, printTimes, timed } from './measured-times.js';

const SNAPSHOTS_PER_APPEND = 20;
const EVENTS_OF_ONE_PRUNED = 8;
const KEPT = 100;
const LIVE_APPENDS = 1_000;

/** `atLeast`: how many events. */
export async function benchReplay(atLeast: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'snapkeep-bench-'));
  const store = openSqliteEventStore(join(folder, 'events.db'));
  try {
    const events = await generate(store, Math.ceil(atLeast / EVENTS_OF_ONE_PRUNED) + KEPT);
    printFact('events in the log', String(events));
    const report = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      const ms = await timed(work);
      printFact(name, `${(events / ms * 1000).toFixed(0)} events/s`);
    };
    await report('read and decoded', () => readAll(store));
    await report('folded by the ledger, one stream', () => fold(store));
    await showAll(store, events, join(folder, 'read.db'));
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

function snapshotEvents(n: number, count: number): DomainEvent[] {
  const id = `${cluster}.${String(n).padStart(26, '0')}`;
  const copies = [copy('local'), copy('nas')];
  const gone = n < count - KEPT ? [...pruned('local', id), ...pruned('nas', id)] : [];
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

/** Into an empty read store; and how far the projector is behind meanwhile, and when it has caught up. */
async function showAll(store: EventStore, events: number, path: string): Promise<void> {
  const readStore = openSqliteReadStore(path, { eventStoreId: store.id, localPath: '/var/snapshots' });
  const projector = createProjector({ store, readStore });
  const commits: number[] = [];
  const began = performance.now();
  const leave = projector.onCheckpoint(() => commits.push(performance.now()));
  const ending = new AbortController();
  const ran = projector.run(ending.signal);
  try {
    await assertShown(projector, await store.head() ?? '');
    leave();
    printFact('replayed by the projector into an empty SQLite read store', `${(events / (performance.now() - began) * 1000).toFixed(0)} events/s`);
    printTimes('meanwhile, from one commit to the next', commits.map((at, n) => at - (commits[n - 1] ?? began)));
    printTimes('afterwards, from an append until it is shown', await liveLag(store, events, projector));
  } finally {
    ending.abort();
    await ran;
    await readStore.close();
  }
}

async function liveLag(store: EventStore, events: number, projector: Projector): Promise<number[]> {
  const times: number[] = [];
  for (let n = events; n < events + LIVE_APPENDS; n += 1) {
    const id = `${cluster}.${String(n).padStart(26, '0')}`;
    const { position } = await store.append(clusterStream(cluster), n - 1, [newEvent(requested(undefined, id), n)]);
    times.push(await timed(() => assertShown(projector, position)));
  }
  return times;
}

async function assertShown(projector: Projector, position: Position): Promise<void> {
  if (await projector.waitFor(position, 600_000)) return;
  throw new Error('the projector did not reach the end of the log', { cause: projector.state().failure });
}
