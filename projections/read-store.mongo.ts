// The read store in MongoDB: the adapter for several processes. Without transactions: rows first, then the checkpoint, which only moves
// forward. Not how rows are written (read-writer.mongo.ts) nor where they lie (read-generation.mongo.ts).
import type { Collection, Db, Filter } from 'mongodb';
import { localTargetId } from '../events/target-events.js';
import { namingFailures } from '../events/store-failure.js';
import { openGeneration } from './read-generation.mongo.js';
import type { Generation } from './read-generation.mongo.js';
import { writeRows } from './read-writer.mongo.js';
import type { Page, ReadStore, ReadStoreSource } from './read-store.js';
import { listFilter } from './snapshot-list.mongo.js';

/**
 * `db` stays the caller's to close. Every method, and opening, throws STORE_UNAVAILABLE while MongoDB is away, and may be called again.
 * Not emptied for another source but filled anew beside the old rows: see docs/adr/0008.
 */
export async function openMongoReadStore(db: Db, source: ReadStoreSource): Promise<ReadStore> {
  const { open } = namingFailures('Read store in MongoDB', 'Mongo', { open: () => openGeneration(db, source) });
  const generation = await open();
  return namingFailures('Read store in MongoDB', 'Mongo', {
    ...writing(generation), ...clusterQueries(generation), ...targetQueries(generation),
    ...snapshotQueries(generation), ...historyQueries(generation),
  });
}

function writing(generation: Generation): Pick<ReadStore, 'checkpoint' | 'commit' | 'dropOlder' | 'close'> {
  return {
    checkpoint: () => generation.checkpoint(),
    async commit(changes, expected, checkpoint) {
      if (await generation.checkpoint() !== expected) return false;
      await writeRows(generation, changes);
      return generation.advance(expected, checkpoint);
    },
    dropOlder: () => generation.dropOlder(),
    close: async () => undefined,
  };
}

type ClusterQueries = Pick<ReadStore, 'cluster' | 'clusters' | 'clustersByIds' | 'countClusters'>;

function clusterQueries({ clusters }: Generation): ClusterQueries {
  return {
    cluster: async (id) => (await clusters.findOne({ _id: id }))?.row ?? null,
    clustersByIds: (ids) => rowsByIds(clusters, ids),
    async clusters({ first, after }) {
      const cursor = after ?? '';
      const [found, earlier] = await Promise.all([
        clusters.find({ removed: false, _id: { $gt: cursor } }).sort({ _id: 1 }).limit(first + 1).toArray(),
        cursor === '' ? null : clusters.findOne({ removed: false, _id: { $lte: cursor } }),
      ]);
      return page(found, first, earlier !== null);
    },
    countClusters: () => clusters.countDocuments({ removed: false }),
  };
}

function targetQueries({ targets }: Generation): Pick<ReadStore, 'target' | 'targets' | 'targetsByIds'> {
  return {
    target: async (id) => (await targets.findOne({ _id: id }))?.row ?? null,
    targetsByIds: (ids) => rowsByIds(targets, ids),
    async targets() {
      const rows = (await targets.find({ 'row.retiredAt': null }).sort({ _id: 1 }).toArray()).map(({ row }) => row);
      return [...rows.filter(({ targetId }) => targetId === localTargetId), ...rows.filter(({ targetId }) => targetId !== localTargetId)];
    },
  };
}

type SnapshotQueries = Pick<ReadStore, 'snapshot' | 'snapshots' | 'snapshotsByIds' | 'countSnapshots' | 'snapshotAt' | 'lastVerifiedAt'>;

function snapshotQueries({ snapshots }: Generation): SnapshotQueries {
  const lastVerified = async (clusterId: string): Promise<readonly [string, string] | null> => {
    const newest = await snapshots.find({ 'row.clusterId': clusterId, verifiedAt: { $gt: '' } })
      .sort({ verifiedAt: -1 }).limit(1).project<{ verifiedAt: string }>({ verifiedAt: 1 }).next();
    return newest && [clusterId, newest.verifiedAt];
  };
  return {
    snapshot: async (id) => (await snapshots.findOne({ _id: id }))?.row ?? null,
    snapshotsByIds: (ids) => rowsByIds(snapshots, ids),
    async snapshots({ clusterId, filter = {}, first, after }) {
      const listed = listFilter(clusterId, filter);
      const [found, earlier] = await Promise.all([
        snapshots.find(after ? { ...listed, 'row.order': { $lt: after } } : listed).sort({ 'row.order': -1 }).limit(first + 1).toArray(),
        after ? snapshots.findOne({ ...listed, 'row.order': { $gte: after } }, { projection: { _id: 1 } }) : null,
      ]);
      return page(found, first, earlier !== null);
    },
    countSnapshots: (clusterId, filter = {}) => snapshots.countDocuments(listFilter(clusterId, filter)),
    async snapshotAt(clusterId, at) {
      const found = snapshots.find({ 'row.clusterId': clusterId, restorableAt: { $gt: '', $lte: at } });
      return (await found.sort({ restorableAt: -1, 'row.order': -1 }).limit(1).next())?.row ?? null;
    },
    async lastVerifiedAt(clusterIds) {
      const found = await Promise.all(clusterIds.map(lastVerified));
      return new Map(found.filter((entry) => entry !== null));
    },
  };
}

function historyQueries({ history }: Generation): Pick<ReadStore, 'history'> {
  return {
    async history({ clusterId, first, after }) {
      const listed = { 'row.clusterId': clusterId };
      const [found, later] = await Promise.all([
        history.find(after ? { ...listed, _id: { $lt: after } } : listed).sort({ _id: -1 }).limit(first + 1).toArray(),
        after ? history.findOne({ ...listed, _id: { $gte: after } }, { projection: { _id: 1 } }) : null,
      ]);
      return page(found, first, later !== null);
    },
  };
}

interface Kept<Row> { readonly _id: string; readonly row: Row }

function page<Row>(found: readonly Kept<Row>[], first: number, hasPrevious: boolean): Page<Row> {
  return { rows: found.slice(0, first).map(({ row }) => row), hasNext: found.length > first, hasPrevious };
}

async function rowsByIds<Document extends Kept<unknown>>(
  collection: Collection<Document>, ids: readonly string[],
): Promise<readonly (Document['row'] | null)[]> {
  if (ids.length === 0) return [];
  const found = await collection.find({ _id: { $in: ids } } as Filter<Document>).toArray();
  const rows = new Map<unknown, Document['row']>(found.map(({ _id, row }) => [_id, row]));
  return ids.map((id) => rows.get(id) ?? null);
}
