// What every role stands on, with the adapters that the configuration chooses: event log, vault, read store, jobs.
// Adapters of servers are imported where they are chosen: each costs megabytes to load, wanted or not.
// Starts no role: see roles.ts.
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import { lockDataDir } from './data-dir-lock.sqlite.js';
import type { MongoConnection } from './database.mongo.js';
import { openSqliteEventStore } from './events/event-store.sqlite.js';
import type { EventStore } from './events/event-store.js';
import { withFactLog } from './events/fact-log.js';
import { projectionVersion } from './projections/projection.js';
import type { Leadership } from './projections/leadership.js';
import { alwaysLeading } from './projections/leadership.js';
import { openSqliteReadStore } from './projections/read-store.sqlite.js';
import type { ReadStore } from './projections/read-store.js';
import { createCommandHandler } from './services/ledger/command-handler.js';
import type { CommandHandler } from './services/ledger/command-handler.js';
import { createMemoryAgendaBackend } from './services/schedule/agenda-backend.memory.js';
import { createAgendaJobs } from './services/schedule/jobs.agenda.js';
import type { Jobs } from './services/schedule/jobs.js';
import { createMemoryTestBoard } from './services/targets/test-board.memory.js';
import type { TestBoard } from './services/targets/test-board.js';
import { sqliteVaultFingerprint } from './services/vault/keyed-vault.sqlite.js';
import { loadMasterKey } from './services/vault/master-key.js';
import { openSqliteVault } from './services/vault/vault.sqlite.js';
import type { Vault } from './services/vault/vault.js';
import type { StopOrder } from './stop-order.js';

/** What every role is given. Each tells `atStop` how it ends as soon as it has started. */
export interface Ground {
  readonly config: Config;
  readonly log: Logger;
  readonly store: EventStore;
  readonly vault: Vault;
  readonly commands: CommandHandler;
  /** Rejects while one of the databases is away; null where there is none. */
  readonly pingDatabases: (() => Promise<void>) | null;
  /** Whether other processes may stand on the same stores. */
  readonly isShared: boolean;
  readonly leadership: Leadership;
  readonly testBoard: TestBoard;
  /** Rejects where their database cannot be used in time or `stopping` aborts. */
  readonly openJobs: () => Promise<Jobs>;
  readonly openReadStore: () => Promise<ReadStore>;
  /** Empty, in memory, for one answer. */
  readonly openMemoryReadStore: () => Promise<ReadStore>;
  readonly atStop: StopOrder['add'];
}

/** RFC 3339 UTC with milliseconds. */
export const now = (): string => new Date().toISOString();

/** Rejects where a store cannot be opened or `stopping` aborts. */
export async function openGround(config: Config, log: Logger, atStop: Ground['atStop'], stopping: AbortSignal): Promise<Ground> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const { database, ping } = databases(atStop);
  const store = withFactLog(await openEvents(config, { log, atStop, stopping }), log);
  atStop({ name: 'event log', stop: () => store.close() });
  const vault = await openVault(config, database);
  atStop({ name: 'vault', stop: () => vault.close() });
  return {
    config, log, store, vault, atStop, commands: createCommandHandler({ store, now, newId: randomUUID }),
    pingDatabases: Object.values({ ...config.stores, events: null }).some((url) => url !== null) ? ping : null,
    isShared: config.stores.events !== null,
    ...await openRows(config, store.id, database),
    openJobs: () => openJobs(config, { log, stopping }, database),
  };
}

type Database = (url: string) => Promise<MongoConnection>;

/** One connection for each URL, however many stores it keeps. */
function databases(atStop: Ground['atStop']): { readonly database: Database; readonly ping: () => Promise<void> } {
  const open = new Map<string, MongoConnection>();
  const database: Database = async (url) => {
    const { openMongo } = await import('./database.mongo.js');
    const known = open.get(url);
    if (known) return known;
    const connection = openMongo(url);
    open.set(url, connection);
    atStop({ name: 'connection to MongoDB', stop: () => connection.close() });
    return connection;
  };
  return { database, ping: async () => void await Promise.all([...open.values()].map((connection) => connection.ping())) };
}

interface Opening extends Pick<Ground, 'log' | 'atStop'> {
  readonly stopping: AbortSignal;
}

/** The embedded log locks the data directory by itself. */
async function openEvents({ dataDir, stores: { events } }: Config, { log, atStop, stopping }: Opening): Promise<EventStore> {
  if (events === null) return openSqliteEventStore(join(dataDir, 'events.db'));
  const { openEventStoreDb } = await import('./events/event-store.eventstoredb.js');
  const release = lockDataDir(dataDir);
  atStop({ name: 'data directory', stop: async () => release() });
  const onInterrupted = (cause: string): void => log.warn({ cause }, 'EventStoreDB does not answer; it is tried again');
  return openEventStoreDb(events, { onInterrupted, signal: stopping });
}

async function openVault({ dataDir, masterKey, stores }: Config, database: Database): Promise<Vault> {
  const file = join(dataDir, 'vault.db');
  if (stores.vault === null) return openSqliteVault(file, loadMasterKey({ ...masterKey, dataDir }, sqliteVaultFingerprint(file)));
  const { openMongoVault } = await import('./services/vault/vault.mongo.js');
  const { db } = await database(stores.vault);
  return openMongoVault(db, loadMasterKey({ ...masterKey, dataDir }, null));
}

async function openJobs({ stores: { jobs } }: Config, { log, stopping }: Pick<Opening, 'log' | 'stopping'>, database: Database): Promise<Jobs> {
  const onError = (error: unknown): void => log.error({ err: error }, 'a scheduled job failed');
  if (jobs === null) return createAgendaJobs(createMemoryAgendaBackend(), onError);
  const { openMongoAgendaBackend } = await import('./services/schedule/agenda-backend.mongo.js');
  const { db } = await database(jobs);
  const onAway = (error: unknown): void => log.warn({ err: error }, 'the scheduler waits for MongoDB, which keeps its jobs; it is tried again');
  return createAgendaJobs(await openMongoAgendaBackend(db, { onAway, signal: stopping }), onError);
}

type Rows = Pick<Ground, 'leadership' | 'testBoard' | 'openReadStore' | 'openMemoryReadStore'>;

/** The rows, and what the processes that share them agree on through the same place. */
async function openRows({ dataDir, localPath, stores: { rows } }: Config, eventStoreId: string, database: Database): Promise<Rows> {
  const source = { eventStoreId, localPath };
  const openMemoryReadStore = async () => openSqliteReadStore(':memory:', source);
  if (rows === null) {
    const openReadStore = async () => openSqliteReadStore(join(dataDir, 'read.db'), source);
    return { leadership: alwaysLeading, testBoard: createMemoryTestBoard(), openReadStore, openMemoryReadStore };
  }
  const { mongoLeadership } = await import('./projections/leadership.mongo.js');
  const { openMongoReadStore } = await import('./projections/read-store.mongo.js');
  const { createMongoTestBoard } = await import('./services/targets/test-board.mongo.js');
  const { db } = await database(rows);
  return {
    leadership: mongoLeadership(db, `projector ${projectionVersion} of ${eventStoreId}`), testBoard: createMongoTestBoard(db),
    openReadStore: () => openMongoReadStore(db, source), openMemoryReadStore,
  };
}
