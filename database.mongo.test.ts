// The connection to MongoDB: it outlives the server's absence without being opened again, and tells no password to anybody.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { openMongo } from './database.mongo.js';
import { openMongoReadStore } from './projections/read-store.mongo.js';
import type { ReadStore } from './projections/read-store.js';
import { openMongoVault } from './services/vault/vault.mongo.js';
import { eventually } from './test/eventual-fact.js';
import { connectThroughProxy, mongoSuite } from './test/mongo-server.js';
import type { BreakableConnection, TestDatabase } from './test/mongo-server.js';

const source = { eventStoreId: 'log-1', localPath: '/var/snapshots' };
const nothing = { clusters: [], targets: [], snapshots: [], history: [] };
const position = '1'.padStart(20, '0');

test.each(['mongodb://keeper:planted@host:port/', 'http://keeper:planted@host', 'mongodb://keeper:pl@nted@host/db', 'mongodb://keeper:planted@host/?bogus=1'])(
  'a URL that cannot be used is refused and not told: %s', (url) => {
    let refused: unknown;
    try {
      openMongo(url);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(inspect(refused, { depth: 10 })).not.toMatch(/nted|keeper/);
  },
);

test('the database is the one that the URL names, else snapkeep', async () => {
  const named = ['mongodb://host/other?appName=x', 'mongodb://host', 'mongodb://one,two/?appName=x'].map((url) => openMongo(url));
  expect(named.map(({ db }) => db.databaseName)).toEqual(['other', 'snapkeep', 'snapkeep']);
  for (const connection of named) await connection.close();
});

test('where nothing answers, every store says which it is, and no password', async () => {
  const connection = openMongo('mongodb://keeper:planted@127.0.0.1:1/');
  const failures = await Promise.all([openMongoReadStore(connection.db, source), openMongoVault(connection.db, Buffer.alloc(32)), connection.ping()].map((asked) => asked.then(() => null, (error: unknown) => error)));
  expect(failures).toEqual([
    expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: expect.stringMatching(/^Read store in MongoDB: .*127\.0\.0\.1:1/) }),
    expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: expect.stringMatching(/^Vault in MongoDB: /) }),
    expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: expect.stringMatching(/^MongoDB: /) }),
  ]);
  expect(inspect(failures, { depth: 20, showHidden: true })).not.toContain('planted');
  await connection.close();
});

await mongoSuite('a connection to MongoDB that is lost', (open) => {
  let database: TestDatabase;
  let connection: BreakableConnection;
  let store: ReadStore;
  beforeEach(async () => {
    database = open();
    connection = await connectThroughProxy(database);
    store = await openMongoReadStore(connection.db, source);
  });
  afterEach(async () => {
    await connection.close();
    await database.dispose();
  });

  test('is said while the server is away, and made again by itself, nothing being lost', async () => {
    await store.commit(nothing, null, position);
    connection.proxy.setFault({ kind: 'refuse' });
    const asked = await Promise.allSettled([store.checkpoint(), connection.ping()]);
    expect(asked).toEqual(Array(2).fill({ status: 'rejected', reason: expect.objectContaining({ code: 'STORE_UNAVAILABLE' }) }));
    connection.proxy.setFault(null);
    expect(await eventually('the read store answers', () => store.checkpoint().catch(() => undefined))).toBe(position);
    await connection.ping();
  });

  test('in the midst of commits costs none of them', async () => {
    let expected: string | null = null;
    for (let n = 1; n <= 20; n += 1) {
      const next = String(n).padStart(20, '0');
      if (n % 5 === 0) {
        connection.proxy.setFault({ kind: 'refuse' });
        connection.proxy.setFault(null);
      }
      await eventually('a commit is acknowledged or found done', async () => {
        const done = await store.commit(nothing, expected, next).catch(() => false);
        return done || (await store.checkpoint().catch(() => null)) === next || undefined;
      });
      expected = next;
    }
    expect(await store.checkpoint()).toBe('20'.padStart(20, '0'));
  });
});
