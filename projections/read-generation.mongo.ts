// One generation of the read store in MongoDB: the collections of one log under one version of the projections, and their indexes.
// Generations lie side by side: a new one is filled while a release that is being replaced still shows its own.
import { MongoServerError } from 'mongodb';
import type { Collection, Db, IndexDescription } from 'mongodb';
import type { Position } from '../events/event-store.js';
import { projectionVersion } from './projection.js';
import { localTargetRow } from './projection-target.js';
import type { ClusterRow, HistoryRow, SnapshotRow, TargetRow } from './read-model.js';
import type { ReadStoreSource } from './read-store.js';

const schemaVersion = 1;

/** A row as it is, beside it what its queries need. `_id` is the row's id; a history entry's is its position. */
export interface ClusterDocument { readonly _id: string; readonly removed: boolean; readonly row: ClusterRow }
export interface TargetDocument { readonly _id: string; readonly row: TargetRow }
export interface SnapshotDocument {
  readonly _id: string;
  readonly restorableAt: string | null;
  readonly verifiedAt: string | null;
  readonly row: SnapshotRow;
}
export interface HistoryDocument { readonly _id: Position; readonly row: HistoryRow }

interface GenerationDocument {
  readonly _id: string;
  readonly checkpoint: Position | null;
  /** Grows with each opening: the one with the highest was opened last. */
  readonly opened: number;
}

export interface Generation {
  readonly clusters: Collection<ClusterDocument>;
  readonly targets: Collection<TargetDocument>;
  readonly snapshots: Collection<SnapshotDocument>;
  readonly history: Collection<HistoryDocument>;
  checkpoint(): Promise<Position | null>;
  /** False where the stored checkpoint is not `expected`. */
  advance(expected: Position | null, checkpoint: Position): Promise<boolean>;
  /** Every generation but this one and, of the others, the one that was opened last. */
  dropOlder(): Promise<void>;
}

/** By collection and name; each serves one kind of question from its first field to its last, without a sort in memory. */
export const indexes = {
  clusters: { listed: { removed: 1, _id: 1 } },
  targets: {},
  snapshots: {
    listed: { 'row.clusterId': 1, 'row.state': 1, 'row.kind': 1, 'row.order': -1, 'row.takenAt': 1 },
    listedOnTarget: { 'row.clusterId': 1, 'row.copies.targetId': 1, 'row.state': 1, 'row.kind': 1, 'row.order': -1, 'row.takenAt': 1 },
    // A narrow range of takenAt far down a long list is found here, and its few rows are sorted.
    taken: { 'row.clusterId': 1, 'row.takenAt': 1, 'row.state': 1, 'row.kind': 1, 'row.order': -1 },
    restorable: { 'row.clusterId': 1, restorableAt: -1, 'row.order': -1 },
    verified: { 'row.clusterId': 1, verifiedAt: -1 },
  },
  history: { listed: { 'row.clusterId': 1, _id: -1 } },
} as const satisfies Record<string, Record<string, IndexDescription['key']>>;

export async function openGeneration(db: Db, source: ReadStoreSource): Promise<Generation> {
  const id = `${schemaVersion}.${projectionVersion}.${source.eventStoreId}`;
  const generations = db.collection<GenerationDocument>('read-generations');
  await register(generations, id);
  await Promise.all(Object.entries(indexes).map(([name, keys]) => createIndexes(db.collection(collectionName(id, name)), keys)));
  const targets = db.collection<TargetDocument>(collectionName(id, 'targets'));
  const local = localTargetRow(source.localPath);
  await upserted(() => targets.updateOne({ _id: local.targetId }, { $set: { row: local } }, { upsert: true }));
  return {
    clusters: db.collection(collectionName(id, 'clusters')),
    targets,
    snapshots: db.collection(collectionName(id, 'snapshots')),
    history: db.collection(collectionName(id, 'history')),
    checkpoint: async () => (await generations.findOne({ _id: id }))?.checkpoint ?? null,
    advance: async (expected, checkpoint) =>
      (await generations.updateOne({ _id: id, checkpoint: expected }, { $set: { checkpoint } })).matchedCount === 1,
    async dropOlder() {
      const others = await generations.find({ _id: { $ne: id } }).sort({ opened: -1 }).skip(1).toArray();
      for (const other of others) await drop(db, generations, other._id);
    },
  };
}

const collectionName = (generation: string, name: string): string => `read.${generation}.${name}`;

async function register(generations: Collection<GenerationDocument>, id: string): Promise<void> {
  const latest = await generations.find().sort({ opened: -1 }).limit(1).next();
  const opened = latest === null || latest._id === id ? latest?.opened ?? 1 : latest.opened + 1;
  await upserted(() => generations.updateOne({ _id: id }, { $set: { opened }, $setOnInsert: { checkpoint: null } }, { upsert: true }));
}

/** Of processes that insert a document at once all but one are refused: it is there then, so that their next try updates it. */
async function upserted(upsert: () => Promise<unknown>): Promise<void> {
  try {
    await upsert();
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== 11000) throw error;
    await upsert();
  }
}

async function createIndexes(collection: Collection, keys: Record<string, IndexDescription['key']>): Promise<void> {
  await Promise.all(Object.entries(keys).map(([name, key]) => collection.createIndex(key, { name }, {})));
}

/** The rows first, so that a crash leaves what names them. */
async function drop(db: Db, generations: Collection<GenerationDocument>, id: string): Promise<void> {
  for (const name of Object.keys(indexes)) await db.collection(collectionName(id, name)).drop();
  await generations.deleteOne({ _id: id });
}
