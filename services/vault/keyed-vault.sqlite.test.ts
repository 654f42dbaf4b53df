import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteKeyedVault } from './keyed-vault.sqlite.js';
import { keyFingerprint } from './sealed-secret.js';
import { openSqliteVault } from './vault.sqlite.js';

const OLD = randomBytes(32);
const NEW = randomBytes(32);
const secrets = new Map(['tiny', 'x'.repeat(900), 'y'.repeat(20_000), ...Array.from({ length: 40 }, (_, at) => `planted-${at}`)]
  .map((password, at) => [`secret-${at}`, { password }]));

let directory: string;
let file: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vault-'));
  file = join(directory, 'vault.db');
  const vault = openSqliteVault(file, OLD);
  for (const [ref, secret] of secrets) await vault.put(ref, secret);
  await vault.close();
});
afterEach(() => rmSync(directory, { recursive: true }));

async function readAll(key: Buffer): Promise<unknown> {
  const vault = openSqliteVault(file, key);
  const read = await Promise.all((await vault.refs()).map(async (ref) => [ref, await vault.get(ref)] as const));
  await vault.close();
  return new Map(read);
}
function withFile<T>(work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}
const sealedRows = (): readonly Buffer[] => withFile((db) => db.prepare('SELECT sealed FROM secrets').all().map((row) => Buffer.from(row['sealed'] as Uint8Array)));
const everyByte = (): Buffer => Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))));
const remainsOf = (rows: readonly Buffer[]): readonly Buffer[] => {
  const bytes = everyByte();
  // The first bytes stand in the row itself, the last ones in its overflow pages.
  return rows.filter((row) => bytes.includes(row.subarray(0, 24)) || bytes.includes(row.subarray(-24)));
};

test('every secret is there under the new key, in the same order, and the old key is refused', async () => {
  await sqliteKeyedVault(file).rotate(OLD, NEW);
  expect(await readAll(NEW)).toEqual(secrets);
  expect(() => openSqliteVault(file, OLD)).toThrow(expect.objectContaining({ code: 'VAULT_KEY_MISMATCH' }));
  expect(await sqliteKeyedVault(file).fingerprint()).toBe(keyFingerprint(NEW));
});

test('nothing that was encrypted under the old key is left on disk, also while somebody has the file open', async () => {
  const before = sealedRows();
  expect(remainsOf(before)).toHaveLength(before.length);
  const idle = new DatabaseSync(file);
  idle.exec('SELECT * FROM vault_key');
  await sqliteKeyedVault(file).rotate(OLD, NEW);
  expect(remainsOf(before)).toEqual([]);
  expect(remainsOf(sealedRows())).toHaveLength(before.length);
  idle.close();
});

test('repeated, it changes nothing more', async () => {
  await sqliteKeyedVault(file).rotate(OLD, NEW);
  const rows = sealedRows();
  await sqliteKeyedVault(file).rotate(OLD, NEW);
  expect(sealedRows()).toEqual(rows);
});

test('another key than the vault\'s changes nothing', async () => {
  const rows = sealedRows();
  await expect(sqliteKeyedVault(file).rotate(randomBytes(32), NEW)).rejects.toMatchObject({ code: 'VAULT_KEY_MISMATCH' });
  expect(sealedRows()).toEqual(rows);
  expect(await readAll(OLD)).toEqual(secrets);
});

test('a damaged entry is named, and nothing is changed', async () => {
  withFile((db) => db.exec("UPDATE secrets SET sealed = substr(sealed, 1, 20) WHERE ref = 'secret-7'"));
  const rows = sealedRows();
  await expect(sqliteKeyedVault(file).rotate(OLD, NEW)).rejects.toMatchObject({ code: 'VAULT_CORRUPT', message: expect.stringContaining('secret-7') });
  expect(sealedRows()).toEqual(rows);
  expect(await sqliteKeyedVault(file).fingerprint()).toBe(keyFingerprint(OLD));
});

test('asked for the key of a vault that is not there, it makes none', async () => {
  const absent = join(directory, 'absent.db');
  expect(await sqliteKeyedVault(absent).fingerprint()).toBeNull();
  expect(readdirSync(directory)).not.toContain('absent.db');
});
