// The embedded read store: the contract, and what only SQLite promises: plans without scans, an unreadable file named.
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openReadDatabase } from './read-schema.sqlite.js';
import { readStoreContract } from './read-store.contract.js';
import { openSqliteReadStore, readStatements } from './read-store.sqlite.js';
import { listStatements } from './snapshot-list.sqlite.js';

const source = { eventStoreId: 'log-1', localPath: '/var/snapshots' };

readStoreContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'snapkeep-read-'));
  return {
    open: async (from) => openSqliteReadStore(join(folder, 'read.db'), from),
    dispose: async () => rmSync(folder, { recursive: true }),
  };
});

describe('the SQLite read store', () => {
  test.each(Object.entries({ ...readStatements, ...listStatements }))('answers %s from an index, without a scan or a sort', (_, sql) => {
    const db = openReadDatabase(':memory:', source);
    const values = Array.from(sql.matchAll(/\?/g), () => 'x');
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values).map(({ detail }) => String(detail)).join('\n');
    db.close();
    expect(plan).toMatch(/SEARCH/);
    expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  test('names a file that is no database, and the remedy', () => {
    const folder = mkdtempSync(join(tmpdir(), 'snapkeep-read-'));
    const file = join(folder, 'read.db');
    writeFileSync(file, 'no database at all, but long enough to be looked at');
    expect(() => openSqliteReadStore(file, source)).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT', message: expect.stringContaining('delete the file') }),
    );
    rmSync(folder, { recursive: true });
  });

  test('keeps its files to their owner, also those that an earlier version left open to others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'snapkeep-read-'));
    const modes = (): string[] => readdirSync(folder).map((name) => `${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`);
    const wanted = ['read.db 600', 'read.db-shm 600', 'read.db-wal 600'];
    const first = openSqliteReadStore(join(folder, 'read.db'), source);
    expect(modes()).toEqual(wanted);
    await first.close();
    chmodSync(join(folder, 'read.db'), 0o644);
    const second = openSqliteReadStore(join(folder, 'read.db'), source);
    expect(modes()).toEqual(wanted);
    await second.close();
    rmSync(folder, { recursive: true });
  });

  test('lives in memory where no file is wanted', async () => {
    const store = openSqliteReadStore(':memory:', source);
    expect(await store.target('local')).toMatchObject({ path: '/var/snapshots' });
    await store.close();
  });
});
