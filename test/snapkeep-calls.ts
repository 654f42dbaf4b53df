// What the end-to-end tests ask of Snapkeep's API, typed, and what they look for on its disk.
// Speaks only GraphQL and the file system; a userError rejects unless the test asks for it.
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { EtcdConnection } from '../services/etcd/etcd.js';
import type { Snapkeep, Variables } from './snapkeep-process.js';

export interface FailureView { readonly step: string; readonly code: string; readonly message: string }
export interface CopyView {
  readonly target: { readonly id: string };
  readonly state: string;
  readonly location: string | null;
  readonly storedSize: number | null;
  readonly sha256: string | null;
  readonly storedSha256: string | null;
  readonly encoding: readonly string[];
  readonly verification: string;
  readonly failure: FailureView | null;
}
export interface SnapshotView {
  readonly id: string;
  readonly name: string;
  readonly kind: 'RECURRING' | 'MANUAL';
  readonly state: 'REQUESTED' | 'RUNNING' | 'TAKEN' | 'PARTIAL' | 'FAILED' | 'PRUNED';
  readonly slot: string | null;
  readonly attempts: number;
  readonly takenAt: string | null;
  readonly completedAt: string | null;
  readonly revision: number | null;
  readonly keyCount: number | null;
  readonly dbSize: number | null;
  readonly sha256: string | null;
  readonly pinned: boolean;
  readonly verification: string;
  readonly failure: FailureView | null;
  readonly copies: readonly CopyView[];
}
export interface PolicyView {
  readonly revision: number;
  readonly targets: readonly { readonly id: string }[];
  readonly recurring: { readonly enabled: boolean; readonly intervalHours: number | null; readonly cron: string | null; readonly nextSlots: readonly string[] };
  readonly retentionCount: number;
}
export interface ClusterView {
  readonly id: string;
  readonly removedAt: string | null;
  readonly policy: PolicyView | null;
  readonly nextSnapshotAt: string | null;
  readonly freshness: { readonly state: string };
}
export interface HistoryView { readonly type: string; readonly at: string; readonly snapshotId: string | null; readonly data: Readonly<Record<string, unknown>> }
export interface UserErrorView { readonly code: string; readonly message: string; readonly path: readonly string[] | null }

const failure = 'failure { step code message }';
const copies = `copies { target { id } state location storedSize sha256 storedSha256 encoding verification ${failure} }`;
export const snapshotFields = `id name kind state slot attempts takenAt completedAt revision keyCount dbSize sha256 pinned verification ${failure} ${copies}`;
const policyFields = 'revision targets { id } recurring { enabled intervalHours cron nextSlots(count: 2) } retentionCount';
const clusterFields = `id removedAt policy { ${policyFields} } nextSnapshotAt freshness { state }`;

const payloads = {
  registerCluster: { input: 'RegisterClusterInput!', object: 'cluster', fields: clusterFields },
  updateCluster: { input: 'UpdateClusterInput!', object: 'cluster', fields: clusterFields },
  updatePolicy: { input: 'UpdatePolicyInput!', object: 'policy', fields: policyFields },
  snapshotNow: { input: 'SnapshotNowInput!', object: 'snapshot', fields: snapshotFields },
  createLocalTarget: { input: 'CreateLocalTargetInput!', object: 'target', fields: 'id' },
  createS3Target: { input: 'CreateS3TargetInput!', object: 'target', fields: 'id' },
  updateS3Target: { input: 'UpdateS3TargetInput!', object: 'target', fields: 'id' },
} as const;
const idPayloads = {
  removeCluster: { object: 'cluster', fields: clusterFields },
  deleteSnapshot: { object: 'snapshot', fields: snapshotFields },
  pinSnapshot: { object: 'snapshot', fields: snapshotFields },
  unpinSnapshot: { object: 'snapshot', fields: snapshotFields },
  deleteTarget: { object: 'target', fields: 'id' },
} as const;
interface Results {
  registerCluster: ClusterView; updateCluster: ClusterView; updatePolicy: PolicyView; snapshotNow: SnapshotView; createLocalTarget: { id: string };
  createS3Target: { id: string }; updateS3Target: { id: string }; deleteTarget: { id: string };
  removeCluster: ClusterView; deleteSnapshot: SnapshotView; pinSnapshot: SnapshotView; unpinSnapshot: SnapshotView;
}
type Payload<T> = { readonly cursor?: string | null; readonly userErrors: readonly UserErrorView[] } & { readonly [object: string]: T | null };

/** The payload as it came, with its userErrors. */
export async function attempt<M extends keyof Results>(
  snapkeep: Snapkeep, mutation: M, argument: Variables | string,
): Promise<{ object: Results[M] | null; cursor: string | null; userErrors: readonly UserErrorView[] }> {
  const { object, fields } = { ...payloads, ...idPayloads }[mutation];
  const type = typeof argument === 'string' ? 'ID!' : payloads[mutation as keyof typeof payloads].input;
  const name = typeof argument === 'string' ? 'id' : 'input';
  const cursor = object === 'snapshot' ? 'cursor' : '';
  const query = `mutation ($it: ${type}) { it: ${mutation}(${name}: $it) { ${object} { ${fields} } ${cursor} userErrors { code message path } } }`;
  const { it } = await snapkeep.graphql<{ it: Payload<Results[M]> }>(query, { it: argument });
  return { object: it[object] ?? null, cursor: it.cursor ?? null, userErrors: it.userErrors };
}

/** The object that the mutation answers with; rejects on userErrors. */
export async function mutate<M extends keyof Results>(snapkeep: Snapkeep, mutation: M, argument: Variables | string): Promise<Results[M]> {
  const { object, userErrors } = await attempt(snapkeep, mutation, argument);
  if (object === null || userErrors.length > 0) throw new Error(`${mutation}: ${JSON.stringify(userErrors)}`);
  return object;
}

/** Without a schedule of its own, unless the test gives a policy. */
export function registerEtcd(snapkeep: Snapkeep, id: string, connection: EtcdConnection, more: Variables = {}): Promise<ClusterView> {
  const given = Object.fromEntries(Object.entries(connection).filter(([, value]) => value !== null));
  return mutate(snapkeep, 'registerCluster', { id, ...given, policy: { recurringEnabled: false }, ...more });
}

export async function cursorNow(snapkeep: Snapkeep): Promise<string> {
  return (await snapkeep.graphql<{ cursor: string }>('{ cursor }')).cursor;
}

export async function findCluster(snapkeep: Snapkeep, id: string): Promise<ClusterView | null> {
  return (await snapkeep.graphql<{ cluster: ClusterView | null }>(`query ($id: ID!) { cluster(id: $id) { ${clusterFields} } }`, { id })).cluster;
}

export async function findSnapshot(snapkeep: Snapkeep, id: string): Promise<SnapshotView> {
  const query = `query ($id: ID!) { snapshot(id: $id) { ${snapshotFields} } }`;
  const { snapshot } = await snapkeep.graphql<{ snapshot: SnapshotView | null }>(query, { id });
  if (snapshot === null) throw new Error(`there is no snapshot ${id}`);
  return snapshot;
}

/** All of the cluster's, newest first, page by page. */
export async function listSnapshots(snapkeep: Snapkeep, clusterId: string, filter: Variables | null = null): Promise<SnapshotView[]> {
  const query = `query ($clusterId: ID!, $filter: SnapshotFilter, $after: String) {
    snapshots(clusterId: $clusterId, filter: $filter, first: 50, after: $after) { nodes { ${snapshotFields} } pageInfo { hasNextPage endCursor } } }`;
  return allPages((after) => snapkeep.graphql<{ snapshots: Page<SnapshotView> }>(query, { clusterId, filter, after }).then((data) => data.snapshots));
}

/** Everything that its ledger tells of the cluster, newest first. */
export async function history(snapkeep: Snapkeep, clusterId: string): Promise<HistoryView[]> {
  const query = `query ($clusterId: ID!, $after: String) {
    history(clusterId: $clusterId, first: 100, after: $after) { nodes { type at snapshotId data } pageInfo { hasNextPage endCursor } } }`;
  return allPages((after) => snapkeep.graphql<{ history: Page<HistoryView> }>(query, { clusterId, after }).then((data) => data.history));
}

interface Page<T> { readonly nodes: readonly T[]; readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null } }

async function allPages<T>(read: (after: string | null) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let after: string | null = null;
  for (;;) {
    const { nodes, pageInfo }: Page<T> = await read(after);
    all.push(...nodes);
    if (!pageInfo.hasNextPage) return all;
    after = pageInfo.endCursor;
  }
}

export interface CompletionView { readonly cursor: string; readonly outcome: string; readonly snapshot: SnapshotView }

const completed = `subscription ($clusterId: ID, $snapshotId: ID, $after: String) {
  snapshotCompleted(clusterId: $clusterId, snapshotId: $snapshotId, after: $after) { cursor outcome snapshot { ${snapshotFields} } } }`;
const changed = `subscription ($clusterId: ID, $after: String) { snapshotChanged(clusterId: $clusterId, after: $after) { cursor snapshot { ${snapshotFields} } } }`;

/** Completions as they are announced over the WebSocket. */
export async function* completions(snapkeep: Snapkeep, of: { clusterId?: string; snapshotId?: string; after?: string }): AsyncGenerator<CompletionView> {
  for await (const { snapshotCompleted } of snapkeep.subscribe<{ snapshotCompleted: CompletionView }>(completed, of)) yield snapshotCompleted;
}

/** Changes as they are announced over the WebSocket. */
export async function* changes(snapkeep: Snapkeep, of: { clusterId: string; after: string }): AsyncGenerator<{ cursor: string; snapshot: SnapshotView }> {
  type Change = { snapshotChanged: { cursor: string; snapshot: SnapshotView } };
  for await (const { snapshotChanged } of snapkeep.subscribe<Change>(changed, of)) yield snapshotChanged;
}

/** The first message; ends the subscription. */
export async function firstOf<T>(messages: AsyncGenerator<T>): Promise<T> {
  try {
    const { value, done } = await messages.next();
    if (done === true) throw new Error('the subscription ended without a message');
    return value;
  } finally {
    await messages.return(undefined);
  }
}

export function completionOf(snapkeep: Snapkeep, snapshotId: string): Promise<CompletionView> {
  return firstOf(completions(snapkeep, { snapshotId }));
}

/** Every file below a target's root, its marker apart, as sorted relative paths; of one cluster only where it is given. */
export async function filesBelow(root: string, clusterId?: string): Promise<string[]> {
  const entries = await entriesBelow(root);
  return entries.filter((entry) => entry.isFile() && entry.name !== '.snapkeep-target')
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => clusterId === undefined || file.startsWith(`${clusterId}/`)).sort();
}

/** Lists again where a folder below the root was pruned while it was being listed. */
async function entriesBelow(root: string): Promise<Dirent[]> {
  for (;;) {
    try {
      return await readdir(root, { recursive: true, withFileTypes: true });
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || path === root) throw error;
    }
  }
}

export async function sha256Of(file: string): Promise<string> {
  return createHash('sha256').update(await readFile(file)).digest('hex');
}
