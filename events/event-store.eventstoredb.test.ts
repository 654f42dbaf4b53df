// The event store on EventStoreDB keeps the contract, on a real server where there is one.
// How it stands failures of the server is in event-store.eventstoredb.faults.test.ts.
import { randomBytes } from 'node:crypto';
import { afterAll } from '@jest/globals';
import { type TestEventStoreDb, standInEventStoreDb, testEventStoreDb } from '../test/eventstoredb-server.js';
import { reportSuite } from '../test/suite-report.js';
import { describeEventStore, type OpenedEventStore } from './event-store.contract.js';
import { type EventStoreDbOptions, openEventStoreDb } from './event-store.eventstoredb.js';

async function opened({ url }: TestEventStoreDb, options: EventStoreDbOptions): Promise<OpenedEventStore> {
  let store = await openEventStoreDb(url, options);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openEventStoreDb(url, options);
      return store;
    },
    dispose: () => store.close(),
  };
}

const shared = await testEventStoreDb();
afterAll(shared.stop);
reportSuite(`event store: ${shared.name}`, shared.name);
describeEventStore(shared.name, () => opened(shared, { namespace: `test${randomBytes(6).toString('hex')}-` }));

const inSmallPages = 'stand-in for EventStoreDB read 2 events at once';
reportSuite(`event store: ${inSmallPages}`, 'stand-in for EventStoreDB');
describeEventStore(inSmallPages, async () => {
  const server = await standInEventStoreDb();
  const store = await opened(server, { pageSize: 2 });
  return {
    ...store,
    dispose: async () => {
      await store.dispose();
      await server.stop();
    },
  };
});
