// The master key of a vault in an SQLite file. A rotation is one transaction: a crash leaves all entries under the old key or all under the new.
// Not where keys come from, nor where the new one is kept: see master-key-rotation.ts.
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { KeyedVault } from './keyed-vault.js';
import { keyFingerprint, seal, unseal } from './sealed-secret.js';
import { emptyLog, keyMismatch, openVaultFile, readFingerprint } from './vault-file.sqlite.js';

export function sqliteKeyedVault(file: string): KeyedVault {
  return {
    fingerprint: async () => sqliteVaultFingerprint(file),
    rotate: async (from, to) => onFile(file, (db) => {
      inTransaction(db, () => sealAnew(db, file, { from, to }));
      emptyLog(db);
    }),
  };
}

/** Of the key that the vault is written under; null where there is no vault yet, of which none is made. */
export function sqliteVaultFingerprint(file: string): string | null {
  return existsSync(file) ? onFile(file, readFingerprint) : null;
}

function onFile<T>(file: string, work: (db: DatabaseSync) => T): T {
  const db = openVaultFile(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    work();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function sealAnew(db: DatabaseSync, file: string, { from, to }: { readonly from: Buffer; readonly to: Buffer }): void {
  const stored = readFingerprint(db);
  if (stored === keyFingerprint(to)) return;
  if (stored !== keyFingerprint(from)) throw keyMismatch(file, stored, keyFingerprint(from));
  const select = db.prepare('SELECT sealed FROM secrets WHERE ref = ?');
  const update = db.prepare('UPDATE secrets SET sealed = ? WHERE ref = ?');
  for (const ref of db.prepare('SELECT ref FROM secrets').all().map((row) => String(row['ref']))) {
    const sealed = select.get(ref)?.['sealed'];
    if (sealed instanceof Uint8Array) update.run(seal(to, ref, unseal(from, ref, sealed)), ref);
  }
  db.prepare('UPDATE vault_key SET fingerprint = ?').run(keyFingerprint(to));
}
