// What every role stands on, with the adapters that the configuration chooses: event log, vault, read store and jobs.
// Starts no role: see roles.ts.
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import { openSqliteEventStore } from './events/event-store.sqlite.js';
import type { EventStore } from './events/event-store.js';
import { withFactLog } from './events/fact-log.js';
import { openSqliteReadStore } from './projections/read-store.sqlite.js';
import type { ReadStore } from './projections/read-store.js';
import { createCommandHandler } from './services/ledger/command-handler.js';
import type { CommandHandler } from './services/ledger/command-handler.js';
import { createMemoryAgendaBackend } from './services/schedule/agenda-backend.memory.js';
import { createAgendaJobs } from './services/schedule/jobs.agenda.js';
import type { Jobs } from './services/schedule/jobs.js';
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
  readonly openJobs: () => Jobs;
  readonly openReadStore: () => Promise<ReadStore>;
  /** Empty, in memory, for one answer. */
  readonly openMemoryReadStore: () => Promise<ReadStore>;
  readonly atStop: StopOrder['add'];
}

/** RFC 3339 UTC with milliseconds. */
export const now = (): string => new Date().toISOString();

export async function openGround(config: Config, log: Logger, atStop: Ground['atStop']): Promise<Ground> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const store = withFactLog(openSqliteEventStore(join(config.dataDir, 'events.db')), log);
  atStop({ name: 'event log', stop: () => store.close() });
  const vaultFile = join(config.dataDir, 'vault.db');
  const masterKey = loadMasterKey({ ...config.masterKey, dataDir: config.dataDir }, sqliteVaultFingerprint(vaultFile));
  const vault = openSqliteVault(vaultFile, masterKey);
  atStop({ name: 'vault', stop: () => vault.close() });
  const source = { eventStoreId: store.id, localPath: config.localPath };
  return {
    config, log, store, vault, atStop, commands: createCommandHandler({ store, now, newId: randomUUID }),
    openJobs: () => createAgendaJobs(createMemoryAgendaBackend(), (error) => log.error({ err: error }, 'a scheduled job failed')),
    openReadStore: async () => openSqliteReadStore(join(config.dataDir, 'read.db'), source),
    openMemoryReadStore: async () => openSqliteReadStore(':memory:', source),
  };
}
