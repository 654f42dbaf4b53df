// The file of the embedded event log: opened for one process alone, its tables made, its version checked.
// Not what is read from it or written to it: see event-store.sqlite.ts.
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { ErrorCode } from './error-codes.js';
import { SnapkeepError } from './errors.js';

const schemaVersion = '1';

const tables = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL, revision INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL, version INTEGER NOT NULL CHECK (version > 0), data TEXT NOT NULL,
    time TEXT NOT NULL, actor TEXT NOT NULL, correlation_id TEXT NOT NULL, causation_id TEXT NOT NULL,
    UNIQUE (stream, revision)
  ) STRICT;`;

/** The open file and the log's id. The lock is held until the database is closed or the process dies, however it dies. */
export interface EventLog {
  readonly db: DatabaseSync;
  readonly id: string;
}

/** Throws STORE_IN_USE, STORE_CORRUPT, or CONFIG_INVALID where the file cannot be opened at all. */
export function openEventLog(path: string): EventLog {
  let db: DatabaseSync | null = null;
  try {
    if (path !== ':memory:' && !existsSync(path)) create(path);
    db = new DatabaseSync(path);
    lock(db);
    return { db, id: prepare(db, path) };
  } catch (error) {
    db?.close();
    throw explained(error, path);
  }
}

/** Never for a file that exists: closing any descriptor of it would give away this process's lock on it (fcntl(2)). */
function create(path: string): void {
  closeSync(openSync(path, 'wx', 0o600));
}

/** In exclusive mode the lock of the first write is never given back: no second process can come between. */
function lock(db: DatabaseSync): void {
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec('BEGIN EXCLUSIVE; COMMIT');
}

function prepare(db: DatabaseSync, path: string): string {
  db.exec('BEGIN IMMEDIATE');
  if (db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0) {
    db.exec(tables);
    const insert = db.prepare('INSERT INTO meta (name, value) VALUES (?, ?)');
    insert.run('schema_version', schemaVersion);
    insert.run('store_id', randomBytes(4).toString('hex'));
  }
  db.exec('COMMIT');
  const meta = new Map(db.prepare('SELECT name, value FROM meta').all().map((row) => [row['name'], row['value']]));
  const id = meta.get('store_id');
  if (meta.get('schema_version') === schemaVersion && typeof id === 'string') return id;
  throw new SnapkeepError('STORE_CORRUPT', `opening the event log: ${path} has schema version ${String(meta.get('schema_version'))}, `
    + `this release knows ${schemaVersion}; start the release that wrote it, or name another file`, { details: { path } });
}

/** SQLite's primary result codes, https://www.sqlite.org/rescode.html. */
const causes: Readonly<Record<number, { code: ErrorCode; message: string }>> = {
  1: { code: 'STORE_CORRUPT', message: 'it is a database of another program; name another file' },
  5: { code: 'STORE_IN_USE', message: 'another process, or this one, has it open; stop that one first, or name another data directory' },
  11: { code: 'STORE_CORRUPT', message: 'it is damaged; put back a copy of the file' },
  26: { code: 'STORE_CORRUPT', message: 'it is no SQLite database; name another file, or put back a copy' },
};
const unopened = { code: 'CONFIG_INVALID', message: 'it cannot be opened; check that its folder exists and can be written' } as const;

function explained(error: unknown, path: string): SnapkeepError {
  if (error instanceof SnapkeepError) return error;
  const errcode = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) : 0;
  const { code, message } = causes[errcode & 0xff] ?? unopened;
  return new SnapkeepError(code, `opening the event log ${path}: ${message} (${String(error)})`, { details: { path }, cause: error });
}
