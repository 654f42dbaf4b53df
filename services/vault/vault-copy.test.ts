// Copying a vault, under another key too: every secret or none too many, whatever interrupts it.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongoSuite } from '../../test/mongo-server.js';
import type { TestDatabase } from '../../test/mongo-server.js';
import { copyVault } from './vault-copy.js';
import { openMongoVault } from './vault.mongo.js';
import { openSqliteVault } from './vault.sqlite.js';
import type { Vault } from './vault.js';

let folder: string;
let from: Vault;
let to: Vault;
let files = 0;
const openFile = (): Vault => openSqliteVault(join(folder, `${files += 1}.db`), randomBytes(32));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'snapkeep-vault-copy-'));
  [from, to] = [openFile(), openFile()];
  for (const name of ['a', 'b', 'c', 'd']) await from.put(`secret-${name}`, { password: `${name}-pässword`, key: name.repeat(5000) });
});
afterEach(async () => {
  await from.close();
  await to.close();
  rmSync(folder, { recursive: true });
});

async function contentsOf(vault: Vault): Promise<ReadonlyMap<string, unknown>> {
  const refs = (await vault.refs()).sort();
  return new Map(await Promise.all(refs.map(async (ref) => [ref, await vault.get(ref)] as const)));
}

/** Fails at the put of this number, after it has been stored. */
function interruptedAt(vault: Vault, number: number): Vault {
  let left = number;
  return {
    ...vault,
    async put(ref, secret) {
      await vault.put(ref, secret);
      left -= 1;
      if (left === 0) throw new Error('interrupted');
    },
  };
}

test('every secret is there under its reference, also when it is done again', async () => {
  expect(await copyVault(from, to)).toBe(4);
  expect(await copyVault(from, to)).toBe(4);
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

test.each([1, 2, 3, 4])('interrupted after secret %i, it is whole when it has been begun again', async (at) => {
  await expect(copyVault(from, interruptedAt(to, at))).rejects.toThrow('interrupted');
  expect(await to.refs()).toHaveLength(at);
  expect(await copyVault(from, to)).toBe(4);
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

describe('refuses a target, and writes nothing,', () => {
  test('that holds a secret of somebody else', async () => {
    await to.put('secret-z', { password: 'of somebody else' });
    await expect(copyVault(from, to)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('holds 1 secret(s)') });
    expect(await to.refs()).toEqual(['secret-z']);
  });

  test('that holds another value under one of the references', async () => {
    await to.put('secret-b', { password: 'of somebody else' });
    await expect(copyVault(from, to)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.not.stringContaining('of somebody else') });
    expect(await to.refs()).toEqual(['secret-b']);
  });
});

test('a value that does not read back as it was written is named by its reference', async () => {
  const forgetful: Vault = { ...to, get: async (ref) => (ref === 'secret-c' ? { password: 'other' } : to.get(ref)) };
  await expect(copyVault(from, forgetful)).rejects.toMatchObject({ code: 'VAULT_CORRUPT', message: expect.stringContaining('secret-c') });
});

await mongoSuite('vault copy', (open) => {
  let database: TestDatabase;
  beforeEach(() => {
    database = open();
  });
  afterEach(() => database.dispose());

  test('goes into MongoDB and comes back as it was', async () => {
    const shared = await openMongoVault(database.db, randomBytes(32));
    await expect(copyVault(from, interruptedAt(shared, 2))).rejects.toThrow('interrupted');
    expect(await copyVault(from, shared)).toBe(4);
    expect(await copyVault(shared, to)).toBe(4);
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
  });
});
