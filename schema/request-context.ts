// What every resolver is given: the parts of Snapkeep, and one request's reader, which batches and remembers what was read.
// One for each HTTP request or WebSocket operation; a mutation or subscription message begins a fresh reader.
import DataLoader from 'dataloader';
import type { EventContext, EventStore } from '../events/event-store.js';
import type { ClusterRow, SnapshotRow, TargetRow } from '../projections/read-model.js';
import type { ReadStore } from '../projections/read-store.js';
import type { CommandHandler } from '../services/ledger/command-handler.js';
import type { TargetCheck } from '../services/targets/target-check.js';
import type { KeyedQueue } from './keyed-queue.js';
import type { Vault } from '../services/vault/vault.js';

export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ApiDependencies {
  readonly commands: CommandHandler;
  readonly vault: Vault;
  readonly store: EventStore;
  readonly readStore: ReadStore;
  readonly projector: { waitFor(position: string, timeoutMs: number): Promise<boolean> };
  /** An empty read store in memory that knows the target `local`: it answers from the ledger while the real one is behind. */
  readonly openMemoryReadStore: () => Promise<ReadStore>;
  /** Tries what a backup needs of a known target, retired or not, on each process that stores copies; `ranOn` names it. */
  readonly testTarget: (targetId: string, signal?: AbortSignal) => Promise<readonly (TargetCheck & { readonly ranOn: string })[]>;
  /** RFC 3339 UTC with milliseconds. */
  readonly now: () => string;
  readonly newId: () => string;
  readonly log: Log;
  /** Puts changes of one cluster's or target's secret in a row, so that none destroys that of another. Keys: a cluster's id, a target's stream. */
  readonly oneByOne: KeyedQueue;
  /** How long a mutation waits for the read store. */
  readonly readWaitMs: number;
}

/** Reads of one request: what is asked for singly is fetched together, once. */
export interface Reader {
  readonly store: ReadStore;
  readonly clusters: DataLoader<string, ClusterRow | null>;
  readonly targets: DataLoader<string, TargetRow | null>;
  readonly snapshots: DataLoader<string, SnapshotRow | null>;
  readonly lastVerified: DataLoader<string, string | null>;
}

export interface RequestContext {
  readonly api: ApiDependencies;
  readonly cause: EventContext;
  /** Replaced by every mutation and subscription message, so that nothing stale is answered. */
  reader: Reader;
  /** Set when an answer came from the ledger, because the read store is behind. */
  behind: boolean;
  /** Closes what the request opened; may be called twice. */
  readonly closing: (() => Promise<void>)[];
}

export function createReader(store: ReadStore): Reader {
  return {
    store,
    clusters: new DataLoader((ids) => store.clustersByIds(ids)),
    targets: new DataLoader((ids) => store.targetsByIds(ids)),
    snapshots: new DataLoader((ids) => store.snapshotsByIds(ids)),
    lastVerified: new DataLoader(async (ids) => {
      const verified = await store.lastVerifiedAt(ids);
      return ids.map((id) => verified.get(id) ?? null);
    }),
  };
}

export function createRequestContext(api: ApiDependencies, actor: string): RequestContext {
  const id = api.newId();
  return { api, cause: { actor, correlationId: id, causationId: id }, reader: createReader(api.readStore), behind: false, closing: [] };
}

export async function closeRequestContext(context: RequestContext): Promise<void> {
  for (const close of context.closing.splice(0)) await close();
}

/** For a reference that must resolve: the log's own facts name it. */
export function found<Row>(row: Row | null, what: string): Row {
  if (row !== null) return row;
  throw new Error(`the read store does not know ${what}, which its own rows name; rebuild it by deleting its file`);
}
