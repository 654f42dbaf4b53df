import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { vaultContract } from './vault.contract.js';
import { openSqliteVault } from './vault.sqlite.js';

const KEY = randomBytes(32);

vaultContract('SQLite', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vault-'));
  return {
    open: async () => openSqliteVault(join(directory, 'vault.db'), KEY),
    dispose: async () => rmSync(directory, { recursive: true }),
  };
});

describe('the vault file', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'vault-'));
    file = join(directory, 'vault.db');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const edit = (sql: string): void => {
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
  };
  const sealedBytes = (): Buffer => {
    const db = new DatabaseSync(file);
    const row = db.prepare("SELECT sealed FROM secrets WHERE ref = 'secret-a'").get();
    db.close();
    return row?.['sealed'] instanceof Uint8Array ? Buffer.from(row['sealed']) : Buffer.alloc(0);
  };
  const occurrences = (bytes: Buffer): string[] =>
    readdirSync(directory).filter((name) => readFileSync(join(directory, name)).includes(bytes));

  test('refuses another master key before anything is read, naming the remedy', async () => {
    const vault = openSqliteVault(file, KEY);
    await vault.close();
    expect(() => openSqliteVault(file, randomBytes(32))).toThrow(
      expect.objectContaining({ code: 'VAULT_KEY_MISMATCH', message: expect.stringContaining('SNAPKEEP_MASTER_KEY') }),
    );
  });

  test('never holds a value in the clear and is readable by its owner only', async () => {
    const vault = openSqliteVault(file, KEY);
    await vault.put('secret-a', { password: 'planted-7f3a9c' });
    expect(occurrences(Buffer.from('planted-7f3a9c'))).toEqual([]);
    expect(occurrences(Buffer.from('secret-a')).length).toBeGreaterThan(0);
    expect(readdirSync(directory).map((name) => statSync(join(directory, name)).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
    await vault.close();
  });

  test.each([['small', 10], ['of several pages', 20_000]])('keeps no byte of a destroyed value that was %s', async (_, size) => {
    const vault = openSqliteVault(file, KEY);
    await vault.put('secret-a', { password: 'x'.repeat(size) });
    const sealed = sealedBytes();
    const piece = sealed.subarray(sealed.length - 24);
    expect(occurrences(piece).length).toBeGreaterThan(0);
    await vault.destroy('secret-a');
    expect(occurrences(piece)).toEqual([]);
    expect(occurrences(Buffer.from('secret-a'))).toEqual([]);
    await vault.close();
  });

  test.each([
    ['a changed byte', "UPDATE secrets SET sealed = CAST(substr(sealed, 1, 30) || x'00ff' || substr(sealed, 33) AS BLOB) WHERE ref = 'secret-a'"],
    ['a cut entry', "UPDATE secrets SET sealed = substr(sealed, 1, 20) WHERE ref = 'secret-a'"],
    ['an entry of another reference', "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE ref = 'secret-b') WHERE ref = 'secret-a'"],
  ])('names the reference of %s', async (_, sql) => {
    const vault = openSqliteVault(file, KEY);
    await vault.put('secret-a', { password: 'planted-7f3a9c' });
    await vault.put('secret-b', { password: 'other' });
    edit(sql);
    await expect(vault.get('secret-a')).rejects.toMatchObject({ code: 'VAULT_CORRUPT', message: expect.stringContaining('secret-a') });
    await expect(vault.get('secret-a')).rejects.not.toThrow(/planted/);
    expect(await vault.get('secret-b')).toEqual({ password: 'other' });
    await vault.close();
  });
});
