// Writes rows into the SQLite read store together with the places and counters that its lists are answered from.
// Not the transaction around it, nor the queries.
import type { DatabaseSync } from 'node:sqlite';
import type { SnapshotRow } from './read-model.js';
import type { RowChanges } from './read-store.js';
import { restorableAt, verifiedAt } from './snapshot-instants.js';

export type WriteRows = (changes: RowChanges) => void;

/** One snapshot in one list. */
type Place = readonly [clusterId: string, targetId: string, state: string, kind: string, order: string, takenAt: string | null];

export function rowWriter(db: DatabaseSync): WriteRows {
  const putCluster = db.prepare('INSERT OR REPLACE INTO clusters VALUES (?, ?, ?)');
  const putTarget = db.prepare('INSERT OR REPLACE INTO targets VALUES (?, ?, ?)');
  const putHistory = db.prepare('INSERT OR REPLACE INTO history VALUES (?, ?, ?)');
  const putSnapshot = snapshotWriter(db);
  return ({ clusters, targets, snapshots, history }) => {
    for (const row of clusters) putCluster.run(row.clusterId, row.removedAt === null ? 0 : 1, JSON.stringify(row));
    for (const row of targets) putTarget.run(row.targetId, row.retiredAt === null ? 0 : 1, JSON.stringify(row));
    for (const row of history) putHistory.run(row.clusterId, row.position, JSON.stringify(row));
    snapshots.forEach(putSnapshot);
  };
}

function snapshotWriter(db: DatabaseSync): (row: SnapshotRow) => void {
  const select = db.prepare('SELECT row FROM snapshots WHERE snapshot_id = ?');
  const put = db.prepare(`INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (snapshot_id) DO UPDATE
    SET restorable_at = excluded.restorable_at, verified_at = excluded.verified_at, row = excluded.row`);
  const replacePlaces = placeWriter(db);
  return (row) => {
    const old = select.get(row.snapshotId)?.['row'];
    replacePlaces(row, typeof old === 'string' ? placesOf(JSON.parse(old) as SnapshotRow) : []);
    const { snapshotId, clusterId, order } = row;
    put.run(snapshotId, clusterId, order, restorableAt(row), verifiedAt(row), JSON.stringify(row));
  };
}

function placeWriter(db: DatabaseSync): (row: SnapshotRow, before: readonly Place[]) => void {
  const remove = db.prepare('DELETE FROM places WHERE cluster_id = ? AND target_id = ? AND state = ? AND kind = ? AND ord = ?');
  const insert = db.prepare('INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?)');
  const count = db.prepare('INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n');
  const widen = db.prepare(`INSERT INTO taken_days VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
    SET min_ord = min(min_ord, excluded.min_ord), max_ord = max(max_ord, excluded.max_ord)`);
  const countPlace = ([clusterId, targetId, state, kind, , takenAt]: Place, n: 1 | -1): void => {
    count.run(clusterId, targetId, state, kind, '*', n);
    if (takenAt !== null) count.run(clusterId, targetId, state, kind, takenAt.slice(0, 10), n);
  };
  return (row, before) => {
    const after = placesOf(row);
    if (JSON.stringify(after) === JSON.stringify(before)) return;
    for (const place of before) {
      const [clusterId, targetId, state, kind, order] = place;
      remove.run(clusterId, targetId, state, kind, order);
      countPlace(place, -1);
    }
    for (const place of after) {
      insert.run(...place, row.snapshotId);
      countPlace(place, 1);
    }
    if (row.takenAt !== null) widen.run(row.clusterId, row.takenAt.slice(0, 10), row.order, row.order);
  };
}

const placesOf = ({ clusterId, copies, state, kind, order, takenAt }: SnapshotRow): readonly Place[] =>
  ['', ...new Set(copies.map(({ targetId }) => targetId))].map((targetId): Place => [clusterId, targetId, state, kind, order, takenAt]);
