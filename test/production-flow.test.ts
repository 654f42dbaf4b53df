// The core's flow on the production stores, in one process of all roles; and what is theirs alone: shared secrets, one master key, rebuilds,
// and stores that cannot be reached at the start. Several processes are in roles.test.ts.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { openEventStoreDb } from '../events/event-store.eventstoredb.js';
import { putKeys } from './etcd-keys.js';
import { freePort, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { flowSuite } from './flow-suite.js';
import { type ProductionStores, productionSuite } from './production-stores.js';
import { recurringFlowSuite } from './recurring-flow-suite.js';
import { completionOf, findCluster, history, listSnapshots, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

const password = 'planted-password-of-etcd';

await productionSuite('The flow on the production stores', (openStores) => {
  let stores: ProductionStores;
  beforeAll(async () => {
    stores = await openStores();
  });
  afterAll(() => stores.dispose());

  describe('the flow', () => { flowSuite(() => startSnapkeep(stores.env)); });
  describe('recurring snapshots', () => { recurringFlowSuite(() => startSnapkeep(stores.env)); });

  /** Everything that the database holds, as text. */
  const allDocuments = async (): Promise<string> => {
    const { db } = stores.database;
    const names = (await db.listCollections().toArray()).map(({ name }) => name);
    return JSON.stringify(await Promise.all(names.map((name) => db.collection(name).find().toArray())));
  };

  const allEvents = async (): Promise<string> => {
    const log = await openEventStoreDb(stores.env.SNAPKEEP_EVENT_STORE);
    try {
      return JSON.stringify(await Array.fromAsync(log.readAll()));
    } finally {
      await log.close();
    }
  };

  test('the password of a cluster is kept in MongoDB, encrypted, and works there after a restart on another data directory', async () => {
    const etcd = await startEtcd();
    const first = await startSnapkeep(stores.env);
    let second: Snapkeep | undefined;
    try {
      await putKeys(etcd.connection, { count: 200 });
      for (const args of [['user', 'add', `root:${password}`], ['user', 'grant-role', 'root', 'root'], ['auth', 'enable']]) await etcd.ctl(...args);
      await registerEtcd(first, 'secured', { ...etcd.connection, username: 'root', password });
      expect(await first.stop()).toBe(0);
      second = await startSnapkeep(stores.env);
      const { outcome, snapshot } = await completionOf(second, (await mutate(second, 'snapshotNow', { clusterId: 'secured' })).id);
      expect({ outcome, failure: snapshot.failure }).toEqual({ outcome: 'TAKEN', failure: null });
      expect(await stores.database.db.collection('vault-secrets').countDocuments()).toBe(1);
      const kept = `${await allDocuments()} ${await allEvents()} ${first.log()} ${second.log()}`;
      expect(kept).not.toContain(password);
      expect((await readdir(second.dataDir)).filter((name) => /^(vault|events|read)/.test(name))).toEqual([]);
    } finally {
      await Promise.all([first.dispose(), second?.dispose(), etcd.stop()]);
    }
  });

  test('an empty read store shows the same once it is rebuilt', async () => {
    const snapkeep = await startSnapkeep(stores.env);
    const rebuilt = await startSnapkeep({ ...stores.envOfRebuild(), SNAPKEEP_ROLES: 'api,projector' });
    try {
      for (const id of ['flow', 'recurring', 'deleting', 'leaving']) {
        expect((await listSnapshots(snapkeep, id)).length).toBeGreaterThan(0);
        await untilTrue('the rows are rebuilt', async () => (await history(rebuilt, id)).length === (await history(snapkeep, id)).length);
        expect(await listSnapshots(rebuilt, id)).toEqual(await listSnapshots(snapkeep, id));
        expect(await history(rebuilt, id)).toEqual(await history(snapkeep, id));
        expect(await findCluster(rebuilt, id)).toEqual(await findCluster(snapkeep, id));
      }
    } finally {
      await Promise.all([snapkeep.dispose(), rebuilt.dispose()]);
    }
  });

  const secret = 'planted-password-of-a-store';
  const refused = async (env: Readonly<Record<string, string>>): Promise<string> => {
    const started = startSnapkeep({ ...stores.env, ...env }).then(async (snapkeep) => {
      await snapkeep.dispose();
      return 'it started';
    }, (error: unknown) => String(error));
    const said = await started;
    expect(said).not.toContain(secret);
    return said;
  };

  test('a process with another master key than the vault\'s refuses to start', async () => {
    expect(await refused({ SNAPKEEP_MASTER_KEY: randomBytes(32).toString('base64') })).toMatch(/master key/);
  });

  test('a MongoDB that is not there is named at the start, without the password', async () => {
    const port = await freePort();
    const said = await refused({ SNAPKEEP_READ_STORE: `mongodb://snapkeep:${secret}@127.0.0.1:${port}/snapkeep` });
    expect(said).toMatch(/Vault in MongoDB/);
    expect(said).toContain(`127.0.0.1:${port}`);
  });

  test('a connection string that is none is refused by its variable, without the password', async () => {
    expect(await refused({ SNAPKEEP_EVENT_STORE: `esdb://admin:${secret}/@127.0.0.1:2113` })).toContain('SNAPKEEP_EVENT_STORE');
    expect(await refused({ SNAPKEEP_READ_STORE: `mongodb://snapkeep:${secret}@/@x` })).toMatch(/SNAPKEEP_READ_STORE|MongoDB/);
  });

  test('an EventStoreDB that is not there is waited for, named, without the password', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const snapkeep = await startSnapkeep({ ...stores.env, SNAPKEEP_EVENT_STORE: `esdb://admin:${secret}@${address}?tls=false` }, { ready: false });
    try {
      await untilTrue('it says what it waits for', () => snapkeep.log().includes(`opening the event log at ${address}`));
      expect(snapkeep.isRunning()).toBe(true);
      expect(await snapkeep.stop()).toBe(0);
      expect(snapkeep.log()).not.toContain(secret);
    } finally {
      await snapkeep.dispose();
    }
  });
});
