// What one cluster's ledger amounts to: its settings, its snapshots, and the indices that keep every decision independent of
// the ledger's length. Not how events lead there: see cluster-fold.ts.
import { List, Map, OrderedSet, Set } from 'immutable';
import type { ClusterEventOf, Connection, Recurring } from '../../events/cluster-events.js';
import { localTargetId } from '../../events/target-events.js';
import type { SnapshotState } from './snapshot-state.js';

export type Member = ClusterEventOf<'MembersObserved'>['data']['members'][number];

export interface Policy {
  readonly revision: number;
  readonly targetIds: readonly string[];
  readonly recurring: Recurring;
  readonly retentionCount: number;
}

export interface Agent {
  readonly worker: string;
  readonly endpoint: string;
}

export interface ClusterState {
  /** Revision of the last event; -1 before the first. */
  readonly revision: number;
  /** Null until registered. */
  readonly clusterId: string | null;
  readonly name: string;
  readonly connection: Connection;
  readonly legacy: boolean;
  readonly removed: boolean;
  readonly members: List<Member>;
  /** By node. */
  readonly agents: Map<string, Agent>;
  readonly policy: Policy | null;
  readonly snapshots: Map<string, SnapshotState>;
  /** Requested or running, in the ledger's order. */
  readonly open: OrderedSet<string>;
  readonly openRecurring: string | null;
  readonly running: string | null;
  /** Every slot that was ever requested or skipped. */
  readonly slots: Set<string>;
  /** Snapshot ids by idempotency key. */
  readonly requestsByKey: Map<string, string>;
  /** Ids of the recurring snapshots with a stored copy, by `placeKey`: what retention weighs. */
  readonly storedRecurring: Map<string, Set<string>>;
}

const noConnection: Connection = { endpoints: [], ca: null, clientCertificate: null, username: null, secretRef: null };

export const initialState = (): ClusterState => ({
  revision: -1,
  clusterId: null,
  name: '',
  connection: noConnection,
  legacy: false,
  removed: false,
  members: List(),
  agents: Map(),
  policy: null,
  snapshots: Map(),
  open: OrderedSet(),
  openRecurring: null,
  running: null,
  slots: Set(),
  requestsByKey: Map(),
  storedRecurring: Map(),
});

/** Nodes that have an agent of ours: it has joined and its member was there when the members were last observed. */
export const agentNodes = ({ members, agents }: ClusterState): readonly string[] =>
  members.filter(({ name }) => agents.has(name)).map(({ name }) => name).toArray();

/** Nobody of ours reaches its disk any more: its member was gone when the members were last observed, and no agent is joined for it. */
export const hasLeft = ({ members, agents }: ClusterState, node: string): boolean =>
  !agents.has(node) && !members.some(({ name }) => name === node);

/** Targets of the next snapshot; a legacy cluster without a policy uses `local`. */
export const targetIdsOf = ({ policy }: ClusterState): readonly string[] => policy?.targetIds ?? [localTargetId];
