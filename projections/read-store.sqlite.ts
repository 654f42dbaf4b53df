// The read store in one SQLite file: the embedded adapter. Every query walks an index; synchronous=NORMAL, since the log can rebuild it.
// Not how snapshots are listed and counted: see snapshot-list.sqlite.ts.
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction, openReadDatabase } from './read-schema.sqlite.js';
import { rowWriter } from './read-writer.sqlite.js';
import type { ClusterRow, HistoryRow, SnapshotRow, TargetRow } from './read-model.js';
import type { Page, ReadStore, ReadStoreSource } from './read-store.js';
import { snapshotList } from './snapshot-list.sqlite.js';

/** Every statement of the queries, by name, so that a test can look at its plan. */
export const readStatements = {
  checkpoint: 'SELECT checkpoint FROM meta WHERE only = 1',
  cluster: 'SELECT row FROM clusters WHERE cluster_id = ?',
  clusters: 'SELECT row FROM clusters WHERE removed = 0 AND cluster_id > ? ORDER BY cluster_id LIMIT ?',
  earlierCluster: 'SELECT 1 FROM clusters WHERE removed = 0 AND cluster_id <= ? LIMIT 1',
  target: 'SELECT row FROM targets WHERE target_id = ?',
  snapshot: 'SELECT row FROM snapshots WHERE snapshot_id = ?',
  snapshotAt: 'SELECT row FROM snapshots WHERE cluster_id = ? AND restorable_at <= ? ORDER BY restorable_at DESC, ord DESC LIMIT 1',
  lastVerifiedAt: 'SELECT max(verified_at) AS at FROM snapshots WHERE cluster_id = ? AND verified_at IS NOT NULL',
  history: 'SELECT row FROM history WHERE cluster_id = ? AND position < ? ORDER BY position DESC LIMIT ?',
  laterHistory: 'SELECT 1 FROM history WHERE cluster_id = ? AND position >= ? LIMIT 1',
} as const;

/** Few rows each, so that they may be read whole. */
const wholeStatements = {
  countClusters: 'SELECT count(*) AS n FROM clusters WHERE removed = 0',
  targets: "SELECT row FROM targets WHERE retired = 0 ORDER BY target_id <> 'local', target_id",
} as const;

/** `path` may be ':memory:'. Throws STORE_CORRUPT where the file is no database. */
export function openSqliteReadStore(path: string, source: ReadStoreSource): ReadStore {
  if (path !== ':memory:') keepToOwner(path);
  const db = openReadDatabase(path, source);
  return { ...writing(db), ...clusterQueries(db), ...targetQueries(db), ...snapshotQueries(db), ...historyQueries(db) };
}

/** SQLite gives the files beside it the mode of the database, but leaves those of a crashed process as they are. */
function keepToOwner(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600));
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600);
}

function writing(db: DatabaseSync): Pick<ReadStore, 'checkpoint' | 'commit' | 'dropOlder' | 'close'> {
  const checkpoint = db.prepare(readStatements.checkpoint);
  const advance = db.prepare('UPDATE meta SET checkpoint = ? WHERE checkpoint IS ?');
  const write = rowWriter(db);
  return {
    async checkpoint() {
      const stored = checkpoint.get()?.['checkpoint'];
      return typeof stored === 'string' ? stored : null;
    },
    commit: async (changes, expected, next) => inTransaction(db, () => {
      if (advance.run(next, expected).changes === 0) return false;
      write(changes);
      return true;
    }),
    // Opening has emptied it already.
    dropOlder: async () => undefined,
    async close() {
      if (db.isOpen) db.close();
    },
  };
}

type ClusterQueries = Pick<ReadStore, 'cluster' | 'clusters' | 'clustersByIds' | 'countClusters'>;

function clusterQueries(db: DatabaseSync): ClusterQueries {
  const one = rowById<ClusterRow>(db.prepare(readStatements.cluster));
  const listed = db.prepare(readStatements.clusters);
  const earlier = db.prepare(readStatements.earlierCluster);
  const count = db.prepare(wholeStatements.countClusters);
  return {
    cluster: async (id) => one(id),
    clustersByIds: async (ids) => ids.map(one),
    async clusters({ first, after }) {
      const cursor = after ?? '';
      return page(rowsOf<ClusterRow>(listed.all(cursor, first + 1)), first, earlier.get(cursor) !== undefined);
    },
    countClusters: async () => Number(count.get()?.['n']),
  };
}

function targetQueries(db: DatabaseSync): Pick<ReadStore, 'target' | 'targets' | 'targetsByIds'> {
  const one = rowById<TargetRow>(db.prepare(readStatements.target));
  const listed = db.prepare(wholeStatements.targets);
  return {
    target: async (id) => one(id),
    targetsByIds: async (ids) => ids.map(one),
    targets: async () => rowsOf<TargetRow>(listed.all()),
  };
}

type SnapshotQueries = Pick<ReadStore, 'snapshot' | 'snapshots' | 'snapshotsByIds' | 'countSnapshots' | 'snapshotAt' | 'lastVerifiedAt'>;

function snapshotQueries(db: DatabaseSync): SnapshotQueries {
  const one = rowById<SnapshotRow>(db.prepare(readStatements.snapshot));
  const at = db.prepare(readStatements.snapshotAt);
  const verified = db.prepare(readStatements.lastVerifiedAt);
  const list = snapshotList(db);
  return {
    snapshot: async (id) => one(id),
    snapshotsByIds: async (ids) => ids.map(one),
    async snapshots(query) {
      const { rows, ...more } = list.page(query);
      return { rows: rows.flatMap((id) => one(id) ?? []), ...more };
    },
    countSnapshots: async (clusterId, filter = {}) => list.count(clusterId, filter),
    snapshotAt: async (clusterId, instant) => rowsOf<SnapshotRow>(at.all(clusterId, instant))[0] ?? null,
    async lastVerifiedAt(clusterIds) {
      const found = clusterIds.map((id): [string, unknown] => [id, verified.get(id)?.['at']]);
      return new Map(found.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
    },
  };
}

function historyQueries(db: DatabaseSync): Pick<ReadStore, 'history'> {
  const listed = db.prepare(readStatements.history);
  const later = db.prepare(readStatements.laterHistory);
  return {
    async history({ clusterId, first, after }) {
      const cursor = after ?? '~';
      return page(rowsOf<HistoryRow>(listed.all(clusterId, cursor, first + 1)), first, later.get(clusterId, cursor) !== undefined);
    },
  };
}

function page<Row>(found: readonly Row[], first: number, hasPrevious: boolean): Page<Row> {
  return { rows: found.slice(0, first), hasNext: found.length > first, hasPrevious };
}

const rowById = <Row>(statement: StatementSync) => (id: string): Row | null => rowsOf<Row>(statement.all(id))[0] ?? null;

const rowsOf = <Row>(found: readonly Record<string, unknown>[]): Row[] => found.map(({ row }) => JSON.parse(String(row)) as Row);
