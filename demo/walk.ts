// The walk through Snapkeep that the demo shows, as any client would do it: register a cluster, take a snapshot, follow it,
// list what is kept, watch retention. Starts and stops nothing.
import { execFileSync } from 'node:child_process';
import type { Client } from 'graphql-ws';
import { statusCommand } from './etcd.js';
import { megabytes, progress, progressText, say, table } from './screen.js';
import type { Snapkeep, UserError } from './snapkeep.js';
import { ask, assertNoUserErrors, follow } from './snapkeep.js';

const CLUSTER = 'demo';
export const CRON = '*/20 * * * * *';
export const RETENTION = 3;

type State = 'REQUESTED' | 'RUNNING' | 'TAKEN' | 'PARTIAL' | 'FAILED' | 'PRUNED';

interface Snapshot {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly state: State;
  readonly takenAt: string | null;
  readonly dbSize: number | null;
  readonly keyCount: number | null;
  readonly revision: number | null;
  readonly verification: string;
  readonly progress: { readonly bytes: number; readonly totalBytes: number | null } | null;
  readonly failure: { readonly step: string; readonly code: string; readonly message: string } | null;
  readonly copies: readonly { readonly state: string; readonly location: string | null }[];
}

const FIELDS = `id name kind state takenAt dbSize keyCount revision verification
  progress { bytes totalBytes } failure { step code message } copies { state location }`;
const CHANGES = `subscription ($id: ID!, $after: String) {
  snapshotChanged(clusterId: $id, after: $after) { cursor snapshot { ${FIELDS} } } }`;

interface Change {
  readonly snapshotChanged: { readonly cursor: string; readonly snapshot: Snapshot };
}

export async function registerCluster(snapkeep: Snapkeep, endpoint: string, signal: AbortSignal): Promise<void> {
  const input = {
    id: CLUSTER, name: 'Demo cluster', endpoints: [endpoint], policy: { cron: CRON, retentionCount: RETENTION },
  };
  const { registerCluster: { userErrors } } = await ask<{ registerCluster: { userErrors: UserError[] } }>(
    snapkeep, 'mutation ($input: RegisterClusterInput!) { registerCluster(input: $input) { userErrors { code message } } }',
    { input }, signal,
  );
  assertNoUserErrors('Registering the cluster', userErrors);
}

/** Requests a snapshot; answers with the cursor from which all that follows can be seen. */
export async function requestSnapshot(snapkeep: Snapkeep, signal: AbortSignal): Promise<{ id: string; cursor: string | null }> {
  type Answer = { snapshotNow: { snapshot: { id: string } | null; cursor: string | null; userErrors: UserError[] } };
  const { snapshotNow: { snapshot, cursor, userErrors } } = await ask<Answer>(
    snapkeep,
    'mutation ($input: SnapshotNowInput!) { snapshotNow(input: $input) { snapshot { id } cursor userErrors { code message } } }',
    { input: { clusterId: CLUSTER, name: 'before-upgrade' } }, signal,
  );
  assertNoUserErrors('The snapshot', userErrors);
  if (snapshot === null) throw new Error('Snapkeep accepted the snapshot but did not say its id');
  return { id: snapshot.id, cursor };
}

interface Ended {
  readonly snapshot: Snapshot;
  readonly cursor: string;
}

/** Shows the snapshot's progress until it has ended; answers with the cursor of its end. */
export async function followToItsEnd(client: Client, id: string, after: string | null): Promise<Ended> {
  for await (const { snapshotChanged: { cursor, snapshot } } of follow<Change>(client, CHANGES, { id: CLUSTER, after })) {
    if (snapshot.id !== id) continue;
    if (snapshot.progress !== null) progress(progressText(snapshot.name, snapshot.progress.bytes, snapshot.progress.totalBytes));
    if (snapshot.state === 'FAILED') throw new Error(`The snapshot failed ${reason(snapshot)}`);
    if (snapshot.state !== 'REQUESTED' && snapshot.state !== 'RUNNING') {
      progress(progressText(snapshot.name, snapshot.dbSize ?? 0, snapshot.dbSize));
      return { snapshot, cursor };
    }
  }
  throw new Error('The subscription ended before the snapshot did');
}

function reason({ failure }: Snapshot): string {
  return failure === null ? 'without saying why' : `at step ${failure.step}: ${failure.code}: ${failure.message}`;
}

export async function showList(snapkeep: Snapkeep, signal: AbortSignal): Promise<void> {
  const { snapshots: { nodes, totalCount } } = await ask<{ snapshots: { nodes: Snapshot[]; totalCount: number } }>(
    snapkeep, `query ($id: ID!) { snapshots(clusterId: $id) { totalCount nodes { ${FIELDS} } } }`, { id: CLUSTER }, signal,
  );
  const rows = nodes.map((each) => [
    each.takenAt ?? '', each.name, each.kind, each.state, megabytes(each.dbSize),
    String(each.keyCount ?? ''), String(each.revision ?? ''), each.verification,
  ]);
  const header = ['TAKEN AT', 'NAME', 'KIND', 'STATE', 'SIZE', 'KEYS', 'REVISION', 'VERIFIED'];
  say(`Snapshots of ${CLUSTER}: ${totalCount}`);
  say(table(header, rows, [4, 5, 6]));
}

/** Prints the command that checks the stored file with etcd's own tool, and what it answers. */
export function showCheck(snapshot: Snapshot): void {
  const file = snapshot.copies.find(({ state }) => state === 'STORED')?.location ?? null;
  if (file === null) throw new Error(`${snapshot.name} is ${snapshot.state}, but no copy of it is stored`);
  const [tool, ...args] = statusCommand(file);
  say(`Check the stored file with etcd's own tool:\n  ${[tool, ...args].join(' ')}`);
  say(execFileSync(tool, args, { encoding: 'utf8', env: { ...process.env, ETCDCTL_API: '3' } }).trimEnd());
}

/** Tells every snapshot's end and every pruning, until the connection is disposed of. */
export async function watch(client: Client, after: string): Promise<void> {
  const told = new Set<string>();
  for await (const { snapshotChanged: { snapshot } } of follow<Change>(client, CHANGES, { id: CLUSTER, after })) {
    const { id, name, state } = snapshot;
    if (state === 'REQUESTED' || state === 'RUNNING' || told.has(`${id} ${state}`)) continue;
    told.add(`${id} ${state}`);
    say(`  ${state.padEnd(7)}  ${name}  ${detail(snapshot)}`);
  }
}

function detail(snapshot: Snapshot): string {
  if (snapshot.state === 'PRUNED') return `by retention: the newest ${RETENTION} are kept`;
  if (snapshot.state === 'FAILED') return reason(snapshot);
  return `${megabytes(snapshot.dbSize)}, ${snapshot.keyCount ?? '?'} keys, ${snapshot.verification}`;
}
