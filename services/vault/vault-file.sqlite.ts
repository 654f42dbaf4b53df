// The SQLite file of the vault: its tables, the fingerprint of its key, and how overwritten values are made to go away.
// Not what is done with the entries: see vault.sqlite.ts and keyed-vault.sqlite.ts.
import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { SnapkeepError } from '../../events/errors.js';

/** Made if absent, readable by its owner only. */
export function openVaultFile(file: string): DatabaseSync {
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
    db.exec(`CREATE TABLE IF NOT EXISTS vault_key (only INTEGER PRIMARY KEY CHECK (only = 1), fingerprint TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS secrets (seq INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL) STRICT`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

export function readFingerprint(db: DatabaseSync): string | null {
  const stored = db.prepare('SELECT fingerprint FROM vault_key').get()?.['fingerprint'];
  return typeof stored === 'string' ? stored : null;
}

/** The write-ahead log still holds a value as it was before it was destroyed or encrypted anew; truncating it makes that go away. */
export function emptyLog(db: DatabaseSync): void {
  if (db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0) return;
  throw new SnapkeepError('VAULT_BUSY', 'Vault: a value that was destroyed or encrypted anew is still in the write-ahead log because another '
    + 'process reads the vault; do the same again when that process has ended');
}

export function keyMismatch(file: string, stored: string | null, given: string): SnapkeepError {
  return new SnapkeepError('VAULT_KEY_MISMATCH', `Vault: ${file} was written under the master key with fingerprint ${String(stored)}, `
    + `this process has ${given}; set SNAPKEEP_MASTER_KEY or SNAPKEEP_MASTER_KEY_FILE to the key it was written under`);
}
