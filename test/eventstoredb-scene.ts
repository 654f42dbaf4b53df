// What tests of failures of EventStoreDB share: a stand-in for each test, stores opened on it, followers that end with the test.
// Registers the setting up and the clearing away, no tests.
import { afterEach, beforeEach } from '@jest/globals';
import { label } from '../events/event-samples.contract.js';
import type { EventStore, Followed } from '../events/event-store.js';
import { type EventStoreDbOptions, openEventStoreDb } from '../events/event-store.eventstoredb.js';
import { type EventStoreDbStandIn, startEventStoreDbStandIn } from './services/eventstoredb/eventstoredb-server.js';

export interface EventStoreDbScene {
  /** Of the running test. */
  readonly server: EventStoreDbStandIn;
  readonly open: (options?: EventStoreDbOptions) => Promise<EventStore>;
  /** kill -9 and a start on the same port. */
  readonly restart: (whileDown?: () => void) => Promise<void>;
  /** Aborted when the test ends. */
  readonly signal: AbortSignal;
  readonly follow: (store: EventStore, after?: string) => AsyncIterator<Followed>;
  /** Short names of the next that a follower hands out. */
  readonly take: (followed: AsyncIterator<Followed>, count: number) => Promise<string[]>;
}

/** Called within describe. */
export function setEventStoreDbScene(): EventStoreDbScene {
  let server: EventStoreDbStandIn;
  let stores: EventStore[];
  let stop: AbortController;
  beforeEach(async () => {
    server = await startEventStoreDbStandIn();
    stores = [];
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    server.thaw();
    await Promise.all(stores.map((store) => store.close()));
    await server.kill();
  });
  return {
    get server() {
      return server;
    },
    get signal() {
      return stop.signal;
    },
    async open(options) {
      const store = await openEventStoreDb(`esdb://${server.address}?tls=false`, options);
      stores.push(store);
      return store;
    },
    async restart(whileDown) {
      await server.kill();
      whileDown?.();
      await server.start();
    },
    follow: (store, after) => store.follow({ after, signal: stop.signal })[Symbol.asyncIterator](),
    async take(followed, count) {
      const taken: string[] = [];
      while (taken.length < count) {
        const { done, value } = await followed.next();
        taken.push(done ? 'end' : label(value));
      }
      return taken;
    },
  };
}
