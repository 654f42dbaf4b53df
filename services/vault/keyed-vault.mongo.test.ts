// The change of the master key of a vault in MongoDB: whole, repeated, interrupted at each of its writes, and beside a process that knows the old key.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Binary } from 'mongodb';
import type { Db } from 'mongodb';
import { randomBytes } from 'node:crypto';
import { mongoSuite } from '../../test/mongo-server.js';
import type { TestDatabase } from '../../test/mongo-server.js';
import { mongoKeyedVault } from './keyed-vault.mongo.js';
import { keyFingerprint } from './sealed-secret.js';
import { vaultDocuments } from './vault-documents.mongo.js';
import { openMongoVault } from './vault.mongo.js';
import type { Vault } from './vault.js';

const [OLD, NEW, OTHER] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const secrets = new Map(['a', 'b', 'c'].map((name) => [`secret-${name}`, { password: `planted-${name}` }]));

await mongoSuite('change of the master key in MongoDB', (open) => {
  let database: TestDatabase;
  let vault: Vault;
  beforeEach(async () => {
    database = open();
    vault = await openMongoVault(database.db, OLD);
    for (const [ref, secret] of secrets) await vault.put(ref, secret);
  });
  afterEach(() => database.dispose());

  const keyed = (db: Db = database.db) => mongoKeyedVault(db);
  const refused = (message: string) => expect.objectContaining({ code: 'VAULT_KEY_MISMATCH', message: expect.stringContaining(message) });
  const readAll = async (key: Buffer): Promise<unknown> => {
    const opened = await openMongoVault(database.db, key);
    return new Map(await Promise.all((await opened.refs()).map(async (ref) => [ref, await opened.get(ref)] as const)));
  };

  test('every secret is there under the new key, in the same order, and the old key is refused', async () => {
    await keyed().rotate(OLD, NEW);
    expect(await readAll(NEW)).toEqual(secrets);
    await expect(openMongoVault(database.db, OLD)).rejects.toEqual(refused('SNAPKEEP_MASTER_KEY'));
    expect(await keyed().fingerprint()).toBe(keyFingerprint(NEW));
    expect(await vaultDocuments(database.db).secrets.countDocuments({ key: keyFingerprint(OLD) })).toBe(0);
  });

  test('repeated, it changes nothing more', async () => {
    await keyed().rotate(OLD, NEW);
    const before = await vaultDocuments(database.db).secrets.find().toArray();
    await keyed().rotate(OLD, NEW);
    expect(await vaultDocuments(database.db).secrets.find().toArray()).toEqual(before);
  });

  test.each([0, 1, 2, 3, 4])('interrupted before its write %i, it is refused by name under either key, and completed by the same change only', async (writes) => {
    await expect(keyed(killedAfter(writes, database.db)).rotate(OLD, NEW)).rejects.toThrow('killed');
    if (writes > 0) {
      for (const key of [OLD, NEW]) await expect(openMongoVault(database.db, key)).rejects.toEqual(refused('run rotate-master-key to its end'));
      await expect(keyed().rotate(OLD, OTHER)).rejects.toEqual(refused(keyFingerprint(NEW)));
    }
    expect(await keyed().fingerprint()).toBe(keyFingerprint(OLD));
    await keyed().rotate(OLD, NEW);
    expect(await readAll(NEW)).toEqual(secrets);
  });

  test('a process that has the vault open under the old key is refused, and leaves nothing under it', async () => {
    await expect(keyed(killedAfter(2, database.db)).rotate(OLD, NEW)).rejects.toThrow('killed');
    await expect(vault.put('secret-late', { password: 'late' })).rejects.toEqual(refused('run rotate-master-key to its end'));
    await expect(vault.get('secret-a')).rejects.toEqual(refused(keyFingerprint(NEW)));
    await keyed().rotate(OLD, NEW);
    await expect(vault.put('secret-late', { password: 'late' })).rejects.toEqual(refused(keyFingerprint(NEW)));
    expect(await readAll(NEW)).toEqual(secrets);
  });

  test('another key than the vault\'s changes nothing', async () => {
    await expect(keyed().rotate(OTHER, NEW)).rejects.toEqual(refused(keyFingerprint(OLD)));
    expect(await readAll(OLD)).toEqual(secrets);
  });

  test('a damaged secret is named, and nothing is changed', async () => {
    await vaultDocuments(database.db).secrets.updateOne({ _id: 'secret-b' }, { $set: { sealed: new Binary(randomBytes(50)) } });
    await expect(keyed().rotate(OLD, NEW)).rejects.toMatchObject({ code: 'VAULT_CORRUPT', message: expect.stringContaining('secret-b') });
    expect(await vault.get('secret-a')).toEqual({ password: 'planted-a' });
    expect(await keyed().fingerprint()).toBe(keyFingerprint(OLD));
  });

  test('a vault that is not there has no key, and none is made', async () => {
    await database.db.dropDatabase();
    expect(await keyed().fingerprint()).toBeNull();
    expect(await vaultDocuments(database.db).keys.countDocuments()).toBe(0);
  });
});

/** The database for a process that is killed when it has written so often. */
function killedAfter(writes: number, db: Db): Db {
  let left = writes;
  const mortal: Db = Object.create(db);
  mortal.collection = ((name: string) => {
    const collection = db.collection(name);
    const update = collection.updateOne.bind(collection);
    collection.updateOne = async (...given) => {
      if (left === 0) throw new Error('killed');
      left -= 1;
      return update(...given);
    };
    return collection;
  }) as Db['collection'];
  return mortal;
}
