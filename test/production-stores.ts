// The production stores for the Snapkeep processes of a test: a stand-in for EventStoreDB in this process, and a database in MongoDB behind
// a proxy, so that each can be taken away and given back. Starts no Snapkeep.
import { randomBytes } from 'node:crypto';
import type { ConnectionFault, FaultProxy } from './fault-proxy.js';
import { type OpenTestDatabase, type TestDatabase, connectThroughProxy, mongoSuite } from './mongo-server.js';
import { type EventStoreDbStandIn, startEventStoreDbStandIn } from './services/eventstoredb/eventstoredb-server.js';
import { reportSuite } from './suite-report.js';

export interface ProductionStores {
  readonly events: EventStoreDbStandIn;
  /** Not by way of the proxy. */
  readonly database: TestDatabase;
  /** What breaks the way from Snapkeep to MongoDB on command. */
  readonly mongo: FaultProxy<ConnectionFault>;
  /** What Snapkeep needs to be told to stand on them. */
  readonly env: Readonly<Record<'SNAPKEEP_EVENT_STORE' | 'SNAPKEEP_READ_STORE' | 'SNAPKEEP_MASTER_KEY', string>>;
  /** The same, but for a read store that is new and empty, in a database of its own. */
  envOfRebuild(): Readonly<Record<string, string>>;
  dispose(): Promise<void>;
}

/** To be awaited at the top of a test file; skipped by name where no MongoDB can be had. */
export async function productionSuite(name: string, register: (open: () => Promise<ProductionStores>) => void): Promise<void> {
  await mongoSuite(name, (openDatabase) => {
    reportSuite(name, 'stand-in for EventStoreDB');
    register(() => productionStores(openDatabase));
  });
}

async function productionStores(openDatabase: OpenTestDatabase): Promise<ProductionStores> {
  const database = openDatabase();
  const [events, throughProxy] = await Promise.all([startEventStoreDbStandIn(), connectThroughProxy(database)]);
  const rebuilt: TestDatabase[] = [];
  const env = {
    SNAPKEEP_EVENT_STORE: `esdb://${events.address}?tls=false`,
    SNAPKEEP_READ_STORE: throughProxy.url,
    SNAPKEEP_MASTER_KEY: randomBytes(32).toString('base64'),
  };
  return {
    events,
    database,
    mongo: throughProxy.proxy,
    env,
    envOfRebuild() {
      const empty = openDatabase();
      rebuilt.push(empty);
      return { ...env, SNAPKEEP_READ_STORE: empty.url, SNAPKEEP_VAULT: env.SNAPKEEP_READ_STORE };
    },
    async dispose() {
      await throughProxy.close();
      await Promise.all([events.kill(), ...[database, ...rebuilt].map((one) => one.dispose())]);
    },
  };
}
