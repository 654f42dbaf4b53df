// A whole service for the API's tests: real event log, command handler, projector, vault and server, in a directory of its own.
// Instead of a worker, tests issue a worker's commands through it. Not a stand-in for any part of the API.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import { createProjector } from '../projections/projector.js';
import { openSqliteReadStore } from '../projections/read-store.sqlite.js';
import type { ReadStore } from '../projections/read-store.js';
import { createCommandHandler } from '../services/ledger/command-handler.js';
import { openSqliteVault } from '../services/vault/vault.sqlite.js';
import { createServer, type ServerConfig, type ServerDependencies } from './server.js';

export const localPath = '/opt/rke/etcd-snapshots';
export const noon = '2026-11-23T12:00:00.000Z';

export interface Answer {
  // The tests' own shape of what they asked for.
  readonly data: Record<string, never>;
  readonly errors?: readonly { message: string; extensions: Record<string, unknown> }[];
  readonly extensions?: Record<string, unknown>;
}

export interface ServiceOptions {
  readonly directory?: string;
  readonly config?: Partial<ServerConfig>;
  readonly dependencies?: Partial<ServerDependencies>;
  /** Wraps the read store that the API reads from. */
  readonly wrapReads?: (readStore: ReadStore) => ReadStore;
  readonly isProjecting?: boolean;
}

const masterKey = randomBytes(32);

export async function startService(options: ServiceOptions = {}) {
  const directory = options.directory ?? await mkdtemp(join(tmpdir(), 'snapkeep-api-'));
  const store = openSqliteEventStore(join(directory, 'events.db'));
  const source = { eventStoreId: store.id, localPath };
  const readStore = openSqliteReadStore(join(directory, 'read.db'), source);
  const vault = openSqliteVault(join(directory, 'vault.db'), masterKey);
  const projector = createProjector({ store, readStore });
  const stopping = new AbortController();
  const projecting = options.isProjecting === false ? Promise.resolve() : projector.run(stopping.signal);
  const commands = createCommandHandler({ store, now: () => noon, newId: randomUUID });
  const logged: string[] = [];
  const keep = (details: object, message: string): void => void logged.push(`${message} ${inspect(details, { depth: 6 })}`);
  const server = createServer({
    config: { host: '127.0.0.1', port: 0, token: null, origins: [], ...options.config },
    dependencies: {
      commands, vault, store, projector, readStore: options.wrapReads?.(readStore) ?? readStore,
      openMemoryReadStore: () => openSqliteReadStore(':memory:', source),
      health: () => ({ live: true, ready: true, parts: {} }),
      now: () => noon, newId: randomUUID, log: { info: keep, warn: keep, error: keep }, ...options.dependencies,
    },
  });
  const { url } = await server.start();

  async function ask(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await fetch(url, {
      method: 'POST', body: JSON.stringify({ query, variables }), headers: { 'content-type': 'application/json', ...headers },
    });
    return await answer.json() as Answer;
  }

  async function stop({ keepFiles = false } = {}): Promise<void> {
    await server.stop();
    stopping.abort();
    await projecting;
    await store.close();
    await readStore.close();
    await vault.close();
    if (!keepFiles) await rm(directory, { recursive: true });
  }

  return { url, ask, stop, commands, vault, store, readStore, projector, directory, logged };
}

export type Service = Awaited<ReturnType<typeof startService>>;

export function subscriber(url: string, connectionParams: Record<string, unknown> = {}): Client {
  return createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });
}
