// The production stores for the Snapkeep processes of a test: an EventStoreDB and a database in MongoDB. Where they are to fail, a stand-in
// for EventStoreDB in this process, and a proxy before MongoDB, so that each can be taken away and given back. Starts no Snapkeep.
import { randomBytes } from 'node:crypto';
import type { ConnectionFault, FaultProxy } from './fault-proxy.js';
import { type TestEventStoreDb, testEventStoreDb } from './eventstoredb-server.js';
import { type OpenTestDatabase, type TestDatabase, connectThroughProxy, mongoSuite } from './mongo-server.js';
import { type EventStoreDbStandIn, startEventStoreDbStandIn } from './services/eventstoredb/eventstoredb-server.js';
import { reportSuite } from './suite-report.js';

export interface ProductionStores {
  /** Not by way of the proxy. */
  readonly database: TestDatabase;
  /** What Snapkeep needs to be told to stand on them. */
  readonly env: Readonly<Record<'SNAPKEEP_EVENT_STORE' | 'SNAPKEEP_READ_STORE' | 'SNAPKEEP_MASTER_KEY', string>>;
  /** The same, but for a read store that is new and empty, in a database of its own. */
  envOfRebuild(): Readonly<Record<string, string>>;
  dispose(): Promise<void>;
}

export interface BreakableStores extends ProductionStores {
  readonly events: EventStoreDbStandIn;
  /** What breaks the way from Snapkeep to MongoDB on command. */
  readonly mongo: FaultProxy<ConnectionFault>;
}

export type ProductionSuite = (name: string, register: (open: () => Promise<ProductionStores>) => void) => Promise<void>;

/**
 * To be awaited at the top of a test file; skipped by name where no MongoDB can be had. For one suite of a run: an EventStoreDB that is given
 * is shared with all that it holds.
 */
export const productionSuite: ProductionSuite = async (name, register) => {
  const events = await testEventStoreDb();
  await mongoSuite(name, (openDatabase) => {
    reportSuite(name, events.name);
    register(async () => storesOn(events, openDatabase, openDatabase()));
  });
};

/** Likewise, for any number of suites. */
export async function breakableSuite(name: string, register: (open: () => Promise<BreakableStores>) => void): Promise<void> {
  await mongoSuite(name, (openDatabase) => {
    reportSuite(name, 'stand-in for EventStoreDB');
    register(() => breakableStores(openDatabase));
  });
}

async function breakableStores(openDatabase: OpenTestDatabase): Promise<BreakableStores> {
  const database = openDatabase();
  const [events, throughProxy] = await Promise.all([startEventStoreDbStandIn(), connectThroughProxy(database)]);
  const stores = storesOn({ url: `esdb://${events.address}?tls=false`, stop: events.kill }, openDatabase, database, throughProxy.url);
  const dispose = async (): Promise<void> => {
    await throughProxy.close();
    await stores.dispose();
  };
  return { ...stores, events, mongo: throughProxy.proxy, dispose };
}

function storesOn(
  events: Pick<TestEventStoreDb, 'url' | 'stop'>, openDatabase: OpenTestDatabase, database: TestDatabase, databaseUrl = database.url,
): ProductionStores {
  const rebuilt: TestDatabase[] = [];
  const env = {
    SNAPKEEP_EVENT_STORE: events.url,
    SNAPKEEP_READ_STORE: databaseUrl,
    SNAPKEEP_MASTER_KEY: randomBytes(32).toString('base64'),
  };
  return {
    database,
    env,
    envOfRebuild() {
      const empty = openDatabase();
      rebuilt.push(empty);
      return { ...env, SNAPKEEP_READ_STORE: empty.url, SNAPKEEP_VAULT: env.SNAPKEEP_READ_STORE };
    },
    async dispose() {
      await Promise.all([events.stop(), ...[database, ...rebuilt].map((one) => one.dispose())]);
    },
  };
}
