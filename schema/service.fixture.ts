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
import type { EncodingStep } from '../events/target-events.js';
import { createProjector } from '../projections/projector.js';
import { openSqliteReadStore } from '../projections/read-store.sqlite.js';
import type { ReadStore } from '../projections/read-store.js';
import { createCommandHandler } from '../services/ledger/command-handler.js';
import type { ClusterCommand } from '../services/ledger/cluster-commands.js';
import type { Vault } from '../services/vault/vault.js';
import { openSqliteVault } from '../services/vault/vault.sqlite.js';
import { createServer, type ServerConfig, type ServerDependencies } from './server.js';

export const localPath = '/opt/rke/etcd-snapshots';
export const noon = '2026-11-23T12:00:00.000Z';

export interface Answer<Data> {
  readonly data: Data;
  readonly errors?: readonly { message: string; extensions: Record<string, unknown> }[];
  readonly extensions?: Record<string, unknown>;
}

export interface ServiceOptions {
  readonly directory?: string;
  readonly config?: Partial<ServerConfig>;
  readonly dependencies?: Partial<ServerDependencies>;
  /** Wraps the read store that the API reads from. */
  readonly wrapReads?: (readStore: ReadStore) => ReadStore;
  readonly wrapVault?: (vault: Vault) => Vault;
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
      commands, vault: options.wrapVault?.(vault) ?? vault, store, projector, readStore: options.wrapReads?.(readStore) ?? readStore,
      openMemoryReadStore: async () => openSqliteReadStore(':memory:', source),
      testTarget: async () => [{ ranOn: 'n1', name: 'put', ok: true, message: null, remedy: null }],
      health: () => ({ live: true, ready: true, parts: {} }),
      now: () => noon, newId: randomUUID, log: { info: keep, warn: keep, error: keep }, ...options.dependencies,
    },
  });
  const { url } = await server.start();

  /** `Data` is the test's own word on what it asks for. */
  async function ask<Data = Record<string, unknown>>(query: string, variables = {}, headers: Record<string, string> = {}): Promise<Answer<Data>> {
    const answer = await fetch(url, {
      method: 'POST', body: JSON.stringify({ query, variables }), headers: { 'content-type': 'application/json', ...headers },
    });
    return await answer.json() as Answer<Data>;
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

const driver = { actor: 'worker', correlationId: 'test', causationId: 'test' };

async function drive(service: Service, command: ClusterCommand & { readonly snapshotId: string }): Promise<void> {
  const executed = await service.commands.executeCluster(command.snapshotId.split('.')[0] ?? '', command, driver);
  if (executed.outcome === 'rejected') throw new Error(executed.rejection.rejected.message);
}

export const failure = { step: 'STREAM', code: 'STREAM_BROKEN', message: 'the connection was cut' } as const;

/** What a worker does with a request: claim, progress, and the end. */
export async function begin(service: Service, snapshotId: string): Promise<void> {
  await drive(service, { type: 'StartAttempt', snapshotId, part: 'any', worker: 'w1', leaseMs: 30_000, takeOver: null });
  await drive(service, { type: 'ReportProgress', snapshotId, part: 'any', attempt: 1, bytes: 512, totalBytes: 1024 });
}

export async function succeed(
  service: Service, snapshotId: string, targetIds: readonly string[] = ['local'], encoding: readonly EncodingStep[] = [],
): Promise<void> {
  await drive(service, {
    type: 'RecordPartTaken', snapshotId, part: 'any', attempt: 1, failedCopies: [],
    facts: {
      takenAt: noon, revision: 7, keyCount: 3, dbSize: 1024, sha256: 'ab'.repeat(32), etcdVersion: '3.5.9', member: 'm1', durationMs: 10,
    },
    copies: targetIds.map((targetId) => ({
      targetId, node: null, storedOn: 'n1', keys: [{ key: 'snapshot.db', versionId: null }], location: `/backup/${targetId}/snapshot.db`,
      encoding, storedSize: 1056,
      storedSha256: 'cd'.repeat(32), storedAt: noon, verification: 'STRUCTURE_OK',
    })),
  });
}

export const fail = (service: Service, snapshotId: string): Promise<void> =>
  drive(service, { type: 'RecordPartFailed', snapshotId, part: 'any', attempt: 1, failure, retryPausesMs: [] });

export async function registered(service: Service, id: string): Promise<void> {
  const { data } = await service.ask<{ answer: { userErrors: object[] } }>(
    `mutation { answer: registerCluster(input: { id: "${id}", endpoints: ["http://127.0.0.1:2379"] }) { userErrors { message } } }`,
  );
  if (data.answer.userErrors.length > 0) throw new Error(JSON.stringify(data));
}

export async function requested(service: Service, clusterId: string): Promise<{ id: string; cursor: string }> {
  const { data } = await service.ask<{ answer: { snapshot: { id: string }; cursor: string } }>(
    `mutation { answer: snapshotNow(input: { clusterId: "${clusterId}" }) { snapshot { id } cursor userErrors { message } } }`,
  );
  return { id: data.answer.snapshot.id, cursor: data.answer.cursor };
}
