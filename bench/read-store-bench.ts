// Measures the SQLite read store's queries at a number of snapshots, given as arguments (100000 and 1000000 by default).
// Not a test: prints one line for each query. Snapshots are a minute apart, in one cluster, on two targets.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copy, facts, failedCopy, minute, positionAt, pruned, requested, started, stored, taken } from '../projections/event-samples.fixture.js';
import { noRows, project } from '../projections/projection.js';
import type { ReadStore, SnapshotFilter } from '../projections/read-store.js';
import { openSqliteReadStore } from '../projections/read-store.sqlite.js';

const clusterId = 'prod';
const eventsEach = 8;
const idOf = (n: number): string => `${clusterId}.${String(n).padStart(26, '0')}`;

/** The ledger of snapshot n: the latest 1000 are kept whole, of the older ones nine in ten are pruned; one in fifty is partial. */
function snapshotEvents(n: number, count: number): ReturnType<typeof stored> {
  const id = idOf(n);
  const [local, nas] = [copy('local'), copy('nas')];
  const partial = n % 50 === 0;
  const end = taken({ id, copies: partial ? [local] : [local, nas], failedCopies: partial ? [failedCopy('nas')] : [], read: facts(minute(n), n) });
  const gone = n < count - 1000 && n % 10 !== 0 ? [...pruned('local', id), ...pruned('nas', id)] : [];
  return stored([requested(undefined, id, n % 4 === 0 ? 'MANUAL' : 'RECURRING'), started(1, 'any', id), ...end, ...gone], n * eventsEach + 1);
}

async function fill(store: ReadStore, count: number): Promise<void> {
  const batch = 1000;
  let checkpoint = await store.checkpoint();
  for (let from = 0; from < count; from += batch) {
    const events = Array.from({ length: Math.min(batch, count - from) }, (_, index) => snapshotEvents(from + index, count)).flat();
    const next = positionAt((from + batch) * eventsEach);
    await store.commit(project(events, noRows()), checkpoint, next);
    checkpoint = next;
  }
}

async function measure(name: string, repeats: number, query: (n: number) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < repeats; n += 1) {
    const begin = performance.now();
    await query(n);
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(2).padStart(8);
  console.log(`  ${name.padEnd(44)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`);
}

async function measureAll(store: ReadStore, count: number): Promise<void> {
  const spread = (n: number): number => (n * 7919 * 131) % count;
  const page = (filter: SnapshotFilter, n: number): Promise<unknown> =>
    store.snapshots({ clusterId, filter, first: 50, after: positionAt(spread(n) * eventsEach + 1) });
  const kept: SnapshotFilter = { states: ['TAKEN', 'PARTIAL'] };
  const everything: SnapshotFilter = { ...kept, kinds: ['RECURRING'], targetId: 'nas' };
  const range = (n: number, length: number): SnapshotFilter => ({ takenAfter: minute(spread(n)), takenBefore: minute(spread(n) + length) });
  await measure('first page of 50', 300, () => store.snapshots({ clusterId, first: 50 }));
  await measure('page of 50 anywhere', 300, (n) => page({}, n));
  await measure('page by states', 300, (n) => page(kept, n));
  await measure('page by target', 300, (n) => page({ targetId: 'nas' }, n));
  await measure('page by states, kind and target', 300, (n) => page(everything, n));
  await measure('first page of two hours', 300, (n) => store.snapshots({ clusterId, filter: range(n, 120), first: 50 }));
  const month = (n: number): SnapshotFilter => ({ ...everything, ...range(n, 43_200) });
  await measure('first page of 30 days, all filters', 300, (n) => store.snapshots({ clusterId, filter: month(n), first: 50 }));
  await measure('count of all', 300, () => store.countSnapshots(clusterId));
  await measure('count by states, kind and target', 300, () => store.countSnapshots(clusterId, everything));
  await measure('count of 30 days', 300, (n) => store.countSnapshots(clusterId, range(n, 43_200)));
  await measure('count of the whole range', 300, (n) => store.countSnapshots(clusterId, { takenAfter: minute(n), takenBefore: minute(count - n) }));
  await measure('snapshotAt', 300, (n) => store.snapshotAt(clusterId, minute(spread(n))));
  await measure('lastVerifiedAt', 300, () => store.lastVerifiedAt([clusterId]));
  await measure('history page of 50 anywhere', 300, (n) => store.history({ clusterId, first: 50, after: positionAt(spread(n) * eventsEach) }));
}

const counts = process.argv.slice(2).map(Number);
for (const count of counts.length > 0 ? counts : [100_000, 1_000_000]) {
  const folder = mkdtempSync(join(tmpdir(), 'snapkeep-bench-'));
  const store = openSqliteReadStore(join(folder, 'read.db'), { eventStoreId: 'bench', localPath: '/var/snapshots' });
  const begin = performance.now();
  await fill(store, count);
  console.log(`${count} snapshots, shown in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  await measureAll(store, count);
  await store.close();
  rmSync(folder, { recursive: true });
}
