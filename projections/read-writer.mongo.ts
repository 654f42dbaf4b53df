// Writes rows into MongoDB, each on its own: an older row never replaces a newer one, so that two projectors, or one after a crash,
// end with the same rows in whatever order they write. Not the checkpoint, which is written behind them.
import { MongoBulkWriteError } from 'mongodb';
import type { AnyBulkWriteOperation, Collection, Filter, OptionalId } from 'mongodb';
import type { Generation } from './read-generation.mongo.js';
import type { ShownRow } from './read-model.js';
import type { RowChanges } from './read-store.js';
import { restorableAt, verifiedAt } from './snapshot-instants.js';

interface RowDocument { readonly _id: string; readonly row: ShownRow }

const duplicateKey = 11000;

export async function writeRows(generation: Generation, { clusters, targets, snapshots, history }: RowChanges): Promise<void> {
  await Promise.all([
    put(generation.clusters, clusters.map((row) => ({ _id: row.clusterId, removed: row.removedAt !== null, row }))),
    put(generation.targets, targets.map((row) => ({ _id: row.targetId, row }))),
    put(generation.snapshots, snapshots.map((row) => (
      { _id: row.snapshotId, restorableAt: restorableAt(row), verifiedAt: verifiedAt(row), row }))),
    putNew(generation.history, history.map((row) => ({ _id: row.position, row }))),
  ]);
}

/** Those that are there are replaced unless they are newer. Again where another projector inserts one meanwhile: nothing deletes rows, so it ends. */
async function put<Document extends RowDocument>(collection: Collection<Document>, documents: readonly Document[]): Promise<void> {
  let written = documents.length === 0;
  while (!written) {
    const there = await idsThere(collection, documents);
    written = await write(collection, documents.map((document) => (there.has(document._id) ? replacement(document) : insertion(document))));
  }
}

/** For rows that never change: what is there is the same. */
async function putNew<Document extends RowDocument>(collection: Collection<Document>, documents: readonly Document[]): Promise<void> {
  let missing = documents;
  while (missing.length > 0 && !await write(collection, missing.map(insertion))) {
    const there = await idsThere(collection, missing);
    missing = missing.filter(({ _id }) => !there.has(_id));
  }
}

const insertion = <Document extends RowDocument>(document: Document): AnyBulkWriteOperation<Document> =>
  ({ insertOne: { document: document as OptionalId<Document> } });

function replacement<Document extends RowDocument>({ _id, ...changed }: Document): AnyBulkWriteOperation<Document> {
  const filter: Filter<RowDocument> = { _id, 'row.position': { $lte: changed.row.position } };
  return { replaceOne: { filter: filter as Filter<Document>, replacement: changed } };
}

/** False where an insert met an id that is there; then some may not have been written. */
async function write<Document extends RowDocument>(
  collection: Collection<Document>, operations: readonly AnyBulkWriteOperation<Document>[],
): Promise<boolean> {
  try {
    await collection.bulkWrite(operations, { ordered: false });
    return true;
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = [error.writeErrors].flat();
    if (failures.length === 0 || failures.some(({ code }) => code !== duplicateKey)) throw error;
    return false;
  }
}

async function idsThere<Document extends RowDocument>(
  collection: Collection<Document>, documents: readonly Document[],
): Promise<ReadonlySet<unknown>> {
  const wanted: Filter<RowDocument> = { _id: { $in: documents.map(({ _id }) => _id) } };
  return new Set(await collection.find(wanted as Filter<Document>, { projection: { _id: 1 } }).map(({ _id }) => _id).toArray());
}
