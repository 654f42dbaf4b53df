// The vault in an SQLite file: one encrypted row for each secret. The file alone is worth nothing without the master key.
// Destroyed rows are overwritten, in the file and in its write-ahead log; not a store for anything but secrets.
import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { SnapkeepError } from '../../events/errors.js';
import { keyFingerprint, seal, unseal } from './sealed-secret.js';
import type { Secret, Vault } from './vault.js';

/** @throws SnapkeepError VAULT_KEY_MISMATCH, before any entry is read, when the file was written under another master key. */
export function openSqliteVault(file: string, masterKey: Buffer): Vault {
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const db = new DatabaseSync(file);
  try {
    prepareFile(db);
    claimForKey(db, file, keyFingerprint(masterKey));
    // A crash may have come between a row's deletion and the end of its traces.
    emptyLog(db);
    return vaultOn(db, masterKey);
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareFile(db: DatabaseSync): void {
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL');
  db.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
  db.exec(`CREATE TABLE IF NOT EXISTS vault_key (only INTEGER PRIMARY KEY CHECK (only = 1), fingerprint TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS secrets (seq INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL) STRICT`);
}

/** The write-ahead log still holds a destroyed row as it was written; truncating the log is what makes the value go away. */
function emptyLog(db: DatabaseSync): void {
  if (db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0) return;
  throw new SnapkeepError('VAULT_BUSY', 'Vault: a destroyed value is still in the write-ahead log because another process reads '
    + 'the vault; destroy it again when that process has ended');
}

function claimForKey(db: DatabaseSync, file: string, fingerprint: string): void {
  db.prepare('INSERT INTO vault_key VALUES (1, ?) ON CONFLICT DO NOTHING').run(fingerprint);
  const stored = db.prepare('SELECT fingerprint FROM vault_key').get()?.['fingerprint'];
  if (stored === fingerprint) return;
  throw new SnapkeepError('VAULT_KEY_MISMATCH', `Vault: ${file} was written under the master key with fingerprint ${String(stored)}, `
    + `this process has ${fingerprint}; set SNAPKEEP_MASTER_KEY or SNAPKEEP_MASTER_KEY_FILE to the key it was written under`);
}

function vaultOn(db: DatabaseSync, key: Buffer): Vault {
  const insert = db.prepare('INSERT INTO secrets (ref, sealed) VALUES (?, ?) ON CONFLICT (ref) DO NOTHING');
  const select = db.prepare('SELECT sealed FROM secrets WHERE ref = ?');
  const remove = db.prepare('DELETE FROM secrets WHERE ref = ?');
  const list = db.prepare('SELECT ref FROM secrets ORDER BY seq');

  const read = (ref: string): Secret | null => {
    const sealed = select.get(ref)?.['sealed'];
    return sealed instanceof Uint8Array ? unseal(key, ref, sealed) : null;
  };
  return {
    async put(ref, secret) {
      const { changes } = insert.run(ref, seal(key, ref, secret));
      if (changes === 0 && !isDeepStrictEqual(read(ref), { ...secret })) {
        throw new SnapkeepError('VAULT_REF_TAKEN', `Vault: ${ref} already keeps another value; write it under a fresh reference`);
      }
    },
    get: async (ref) => read(ref),
    async destroy(ref) {
      remove.run(ref);
      emptyLog(db);
    },
    refs: async () => list.all().map((row) => String(row['ref'])),
    async close() {
      if (db.isOpen) db.close();
    },
  };
}
