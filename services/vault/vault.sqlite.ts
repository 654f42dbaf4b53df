// The vault in an SQLite file: one encrypted row for each secret. The file alone is worth nothing without the master key.
// Destroyed rows are overwritten, in the file and in its write-ahead log; not a store for anything but secrets.
import type { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { SnapkeepError } from '../../events/errors.js';
import { keyFingerprint, seal, unseal } from './sealed-secret.js';
import { emptyLog, keyMismatch, openVaultFile, readFingerprint } from './vault-file.sqlite.js';
import type { Secret, Vault } from './vault.js';

/** @throws SnapkeepError VAULT_KEY_MISMATCH, before any entry is read, when the file was written under another master key. */
export function openSqliteVault(file: string, masterKey: Buffer): Vault {
  const db = openVaultFile(file);
  try {
    claimForKey(db, file, keyFingerprint(masterKey));
    // A crash may have come between a row's deletion and the end of its traces.
    emptyLog(db);
    return vaultOn(db, masterKey);
  } catch (error) {
    db.close();
    throw error;
  }
}

function claimForKey(db: DatabaseSync, file: string, fingerprint: string): void {
  db.prepare('INSERT INTO vault_key VALUES (1, ?) ON CONFLICT DO NOTHING').run(fingerprint);
  const stored = readFingerprint(db);
  if (stored !== fingerprint) throw keyMismatch(file, stored, fingerprint);
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
