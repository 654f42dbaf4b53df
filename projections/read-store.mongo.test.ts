// The read store in MongoDB: the contract, and what only it promises: rows without transactions, generations side by side, plans.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mongoSuite, realMongoSuite } from '../test/mongo-server.js';
import type { TestDatabase } from '../test/mongo-server.js';
import { cluster, policy, positionAt, registered, requested, snapshotId, started, stored } from './event-samples.fixture.js';
import { noRows, project } from './projection.js';
import { indexes } from './read-generation.mongo.js';
import { readStoreContract } from './read-store.contract.js';
import { openMongoReadStore } from './read-store.mongo.js';
import type { ReadStore } from './read-store.js';

const source = { eventStoreId: 'log-1', localPath: '/var/snapshots' };

await mongoSuite('read store contract', (open) => {
  readStoreContract('MongoDB', async () => {
    const database = open();
    return { open: (from) => openMongoReadStore(database.db, from), dispose: () => database.dispose() };
  });
});

await mongoSuite('read store in MongoDB', (open) => {
  let database: TestDatabase;
  let store: ReadStore;
  beforeEach(async () => {
    database = open();
    store = await openMongoReadStore(database.db, source);
  });
  afterEach(() => database.dispose());
  const collections = async (): Promise<string[]> => (await database.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);

  test('an older row of a slower projector never replaces a newer one, nor does its checkpoint', async () => {
    const rows = noRows();
    const [before, after] = [project(stored([registered, requested()]), rows), project(stored([policy, started()], 3), rows)];
    await store.commit(after, null, positionAt(4));
    expect(await store.commit(before, null, positionAt(2))).toBe(false);
    await store.commit({ ...before, history: [] }, positionAt(4), positionAt(5));
    expect(await store.cluster(cluster)).toEqual(after.clusters[0]);
    expect(await store.snapshot(snapshotId)).toEqual(after.snapshots[0]);
  });

  test('rows whose checkpoint was never written are applied again without a difference', async () => {
    const events = stored([registered, policy, requested(), started()]);
    const whole = project(events, noRows());
    await store.commit(project(events.slice(0, 1), noRows()), null, positionAt(1));
    const crashed = await openMongoReadStore(failingOn('read-generations', database), source);
    await expect(crashed.commit(whole, positionAt(1), positionAt(4))).rejects.toThrow('killed before the checkpoint');
    expect([await store.checkpoint(), await store.snapshot(snapshotId)]).toEqual([positionAt(1), whole.snapshots[0]]);
    expect(await store.commit(whole, positionAt(1), positionAt(4))).toBe(true);
    expect([await store.cluster(cluster), await store.countSnapshots(cluster)]).toEqual([whole.clusters[0], 1]);
  });

  test('processes that open it at once, while it is empty, all open it', async () => {
    const empty = open();
    const stores = await Promise.all(Array.from({ length: 6 }, () => openMongoReadStore(empty.db, source)));
    expect(await Promise.all(stores.map(async (one) => (await one.targets()).length))).toEqual([1, 1, 1, 1, 1, 1]);
    await empty.dispose();
  });

  test('another source fills a generation of its own, while the earlier one is still read and written', async () => {
    await store.commit(project(stored([registered]), noRows()), null, positionAt(1));
    const next = await openMongoReadStore(database.db, { ...source, eventStoreId: 'log-2' });
    expect(await next.checkpoint()).toBeNull();
    expect(await store.commit(project(stored([requested()], 2), noRows()), positionAt(1), positionAt(2))).toBe(true);
    await next.dropOlder();
    expect([await store.checkpoint(), await store.countSnapshots(cluster), await next.countSnapshots(cluster)]).toEqual([positionAt(2), 1, 0]);
  });

  test('of the generations beside it only the one opened last is kept', async () => {
    for (const eventStoreId of ['log-2', 'log-1', 'log-3']) store = await openMongoReadStore(database.db, { ...source, eventStoreId });
    await store.dropOlder();
    const kept = (await collections()).filter((name) => name.startsWith('read.')).map((name) => name.split('.').at(3));
    expect(new Set(kept)).toEqual(new Set(['log-1', 'log-3']));
  });

  test('has every index that its queries name', async () => {
    for (const [name, wanted] of Object.entries(indexes)) {
      const collection = (await collections()).find((each) => each.endsWith(`.${name}`)) ?? '';
      expect((await database.db.collection(collection).indexes()).map((index) => index.name).sort()).toEqual(['_id_', ...Object.keys(wanted)].sort());
    }
  });
});

/** The database, whose collection of that name refuses every update of a checkpoint. */
function failingOn(name: string, { db }: TestDatabase): TestDatabase['db'] {
  const broken: TestDatabase['db'] = Object.create(db);
  broken.collection = ((wanted: string) => {
    const collection = db.collection(wanted);
    if (wanted !== name) return collection;
    const update = collection.updateOne.bind(collection);
    collection.updateOne = (filter, change, options) => ('checkpoint' in filter
      ? Promise.reject(new Error('killed before the checkpoint')) : update(filter, change, options));
    return collection;
  }) as TestDatabase['db']['collection'];
  return broken;
}

async function everyQuery(store: ReadStore): Promise<void> {
  await store.cluster(cluster);
  await store.clustersByIds([cluster, 'other']);
  await store.clusters({ first: 5, after: 'a' });
  await store.countClusters();
  await store.target('local');
  for (const filter of [{}, { states: ['TAKEN'] }, { targetId: 'nas' }, { kinds: ['MANUAL'], targetId: 'nas' }] as const) {
    await store.snapshots({ clusterId: cluster, filter, first: 5, after: positionAt(2) });
    await store.countSnapshots(cluster, filter);
  }
  await store.countSnapshots(cluster, { takenAfter: '2026-01-01T00:00:00.000Z' });
  await store.snapshot(snapshotId);
  await store.snapshotAt(cluster, '2026-12-01T00:00:00.000Z');
  await store.lastVerifiedAt([cluster]);
  await store.history({ clusterId: cluster, first: 5, after: positionAt(2) });
}

await realMongoSuite('use of indexes by the read store in MongoDB', (open) => {
  test('no query scans or sorts, whatever it filters by', async () => {
    const database = open();
    try {
      const store = await openMongoReadStore(database.db, source);
      const changes = project(stored([registered, policy, requested()]), noRows());
      await store.commit(changes, null, positionAt(3));
      await database.db.command({ profile: 2 });
      await everyQuery(store);
      await database.db.command({ profile: 0 });
      const asked = await database.db.collection('system.profile').find({ ns: /\.read\./, op: { $in: ['query', 'command'] } }).toArray();
      expect(asked.length).toBeGreaterThan(15);
      expect(asked.filter(({ planSummary, hasSortStage }) => /COLLSCAN/.test(String(planSummary)) || hasSortStage === true)).toEqual([]);
    } finally {
      await database.dispose();
    }
  });
});
