// The vault in MongoDB: the contract, and what only it promises: one key for all processes, nothing in the clear, damage by name.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Binary } from 'mongodb';
import { randomBytes } from 'node:crypto';
import { mongoSuite } from '../../test/mongo-server.js';
import type { TestDatabase } from '../../test/mongo-server.js';
import { vaultContract } from './vault.contract.js';
import { vaultDocuments } from './vault-documents.mongo.js';
import { openMongoVault } from './vault.mongo.js';

const KEY = randomBytes(32);

await mongoSuite('vault contract', (open) => {
  vaultContract('MongoDB', async () => {
    const database = open();
    return { open: () => openMongoVault(database.db, KEY), dispose: () => database.dispose() };
  });
});

await mongoSuite('vault in MongoDB', (open) => {
  let database: TestDatabase;
  beforeEach(() => {
    database = open();
  });
  afterEach(() => database.dispose());

  test('of processes with different keys that begin a vault at once, all with one key open it and the others are refused', async () => {
    const keys = [KEY, randomBytes(32), KEY, randomBytes(32)];
    const opened = await Promise.allSettled(keys.map((key) => openMongoVault(database.db, key)));
    const winner = keys[opened.findIndex(({ status }) => status === 'fulfilled')];
    expect(opened.map(({ status }) => status)).toEqual(keys.map((key) => (key === winner ? 'fulfilled' : 'rejected')));
    await expect(openMongoVault(database.db, randomBytes(32))).rejects.toMatchObject({
      code: 'VAULT_KEY_MISMATCH', message: expect.stringContaining('SNAPKEEP_MASTER_KEY'),
    });
  });

  test('two processes share what each of them writes', async () => {
    const [one, other] = [await openMongoVault(database.db, KEY), await openMongoVault(database.db, KEY)];
    await one.put('secret-a', { password: 'one' });
    await other.put('secret-b', { password: 'two' });
    expect([await other.get('secret-a'), await one.refs()]).toEqual([{ password: 'one' }, ['secret-a', 'secret-b']]);
    await other.destroy('secret-a');
    expect(await one.get('secret-a')).toBeNull();
  });

  test('no document holds a value in the clear', async () => {
    const vault = await openMongoVault(database.db, KEY);
    await vault.put('secret-a', { password: 'planted-7f3a9c' });
    const { secrets, keys } = vaultDocuments(database.db);
    const [found, key] = [await secrets.find().toArray(), await keys.find().toArray()];
    expect(found).toHaveLength(1);
    expect(Buffer.from(found[0]?.sealed.value() ?? []).includes('planted')).toBe(false);
    expect(JSON.stringify([found, key])).not.toContain('planted');
  });

  test('a damaged document is named, and one that was moved from another reference', async () => {
    const vault = await openMongoVault(database.db, KEY);
    await vault.put('secret-a', { password: 'planted-7f3a9c' });
    await vault.put('secret-b', { password: 'two' });
    const { secrets } = vaultDocuments(database.db);
    const other = (await secrets.findOne({ _id: 'secret-b' }))?.sealed ?? new Binary();
    for (const sealed of [new Binary(randomBytes(60)), other]) {
      await secrets.updateOne({ _id: 'secret-a' }, { $set: { sealed } });
      await expect(vault.get('secret-a')).rejects.toMatchObject({ code: 'VAULT_CORRUPT', message: expect.stringContaining('secret-a') });
    }
    expect(await vault.get('secret-b')).toEqual({ password: 'two' });
  });
});
