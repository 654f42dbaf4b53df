// Tables of the SQLite read store: rows as JSON, beside them the columns and counters that its queries need.
// Not the queries, nor the writing of rows.
import { DatabaseSync } from 'node:sqlite';
import { SnapkeepError } from '../events/errors.js';
import { localTargetId } from '../events/target-events.js';
import { projectionVersion } from './projection.js';
import { localTargetRow } from './projection-target.js';
import type { ReadStoreSource } from './read-store.js';

const schemaVersion = 1;
const tables = ['meta', 'clusters', 'targets', 'snapshots', 'places', 'counters', 'taken_days', 'history'];

/* A place is one snapshot in one list: the cluster's whole list (target '') or that of one of its targets. Counters count places by
   day of takenAt, and under day '*' whatever their day. `taken_days` bounds the list's order for a range of takenAt. */
const definition = `
  CREATE TABLE meta (only INTEGER PRIMARY KEY CHECK (only = 1), version TEXT NOT NULL, event_store_id TEXT NOT NULL, checkpoint TEXT) STRICT;
  CREATE TABLE clusters (cluster_id TEXT PRIMARY KEY, removed INTEGER NOT NULL, row TEXT NOT NULL) STRICT;
  CREATE INDEX clusters_listed ON clusters (cluster_id) WHERE removed = 0;
  CREATE TABLE targets (target_id TEXT PRIMARY KEY, retired INTEGER NOT NULL, row TEXT NOT NULL) STRICT;
  CREATE TABLE snapshots (
    snapshot_id TEXT PRIMARY KEY, cluster_id TEXT NOT NULL, ord TEXT NOT NULL, restorable_at TEXT, verified_at TEXT, row TEXT NOT NULL) STRICT;
  CREATE INDEX snapshots_restorable ON snapshots (cluster_id, restorable_at, ord) WHERE restorable_at IS NOT NULL;
  CREATE INDEX snapshots_verified ON snapshots (cluster_id, verified_at) WHERE verified_at IS NOT NULL;
  CREATE TABLE places (
    cluster_id TEXT, target_id TEXT, state TEXT, kind TEXT, ord TEXT, taken_at TEXT, snapshot_id TEXT NOT NULL,
    PRIMARY KEY (cluster_id, target_id, state, kind, ord)) STRICT, WITHOUT ROWID;
  CREATE INDEX places_taken ON places (cluster_id, target_id, state, kind, taken_at);
  CREATE TABLE counters (
    cluster_id TEXT, target_id TEXT, state TEXT, kind TEXT, day TEXT, n INTEGER NOT NULL,
    PRIMARY KEY (cluster_id, target_id, state, kind, day)) STRICT, WITHOUT ROWID;
  CREATE TABLE taken_days (
    cluster_id TEXT, day TEXT, min_ord TEXT NOT NULL, max_ord TEXT NOT NULL, PRIMARY KEY (cluster_id, day)) STRICT, WITHOUT ROWID;
  CREATE TABLE history (cluster_id TEXT NOT NULL, position TEXT NOT NULL, row TEXT NOT NULL) STRICT;
  CREATE UNIQUE INDEX history_listed ON history (cluster_id, position);`;

/** Opens or makes the file and empties it where it shows another log or was written by another version. */
export function openReadDatabase(path: string, source: ReadStoreSource): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384');
    inTransaction(db, () => {
      if (!shows(db, source.eventStoreId)) rebuild(db, source.eventStoreId);
      putLocalTarget(db, source.localPath);
    });
    return db;
  } catch (error) {
    db.close();
    throw new SnapkeepError('STORE_CORRUPT', `opening the read store ${path}: ${error instanceof Error ? error.message : String(error)}; `
      + 'delete the file, which is then rebuilt from the log', { details: { path }, cause: error });
  }
}

/** All or nothing. */
export function inTransaction<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has ended the transaction already.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

const version = `${schemaVersion}.${projectionVersion}`;

function shows(db: DatabaseSync, eventStoreId: string): boolean {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get() === undefined) return false;
  return db.prepare('SELECT 1 FROM meta WHERE version = ? AND event_store_id = ?').get(version, eventStoreId) !== undefined;
}

function rebuild(db: DatabaseSync, eventStoreId: string): void {
  db.exec(tables.map((table) => `DROP TABLE IF EXISTS ${table};`).join('') + definition);
  db.prepare('INSERT INTO meta VALUES (1, ?, ?, NULL)').run(version, eventStoreId);
}

function putLocalTarget(db: DatabaseSync, path: string): void {
  const row = localTargetRow(path);
  db.prepare('INSERT OR REPLACE INTO targets VALUES (?, 0, ?)').run(localTargetId, JSON.stringify(row));
}
