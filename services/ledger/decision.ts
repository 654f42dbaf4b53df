// The shape of a decision on a cluster's ledger, and the doors that many decisions pass first.
// Not the decisions: see cluster-decider.ts.
import type { ClusterEvent } from '../../events/cluster-events.js';
import type { ClusterCommand } from './cluster-commands.js';
import type { ClusterState } from './cluster-state.js';
import type { Rejection } from './rejection.js';
import { reject } from './rejection.js';
import type { SnapshotState } from './snapshot-state.js';

/** No events: what was asked for is so already. */
export type Decision = readonly ClusterEvent[] | Rejection;

export type CommandType = ClusterCommand['type'];
export type CommandOf<T extends CommandType> = Extract<ClusterCommand, { readonly type: T }>;
/** Called for registered clusters only, except for RegisterCluster. */
export type Decider<T extends CommandType> = (state: ClusterState, command: CommandOf<T>) => Decision;
export type Deciders<T extends CommandType = CommandType> = { readonly [K in T]: Decider<K> };

/** Why nothing new can begin on this cluster, or null. */
export const removedFault = ({ clusterId, removed }: ClusterState): Rejection | null =>
  (removed ? reject('CONFLICT', `cluster ${clusterId} was removed; only its snapshots can still be pinned, deleted and restored`) : null);

/** Decides on a snapshot that this ledger knows. */
export function onSnapshot(state: ClusterState, snapshotId: string, decideOn: (snapshot: SnapshotState) => Decision): Decision {
  const snapshot = state.snapshots.get(snapshotId);
  return snapshot ? decideOn(snapshot) : reject('NOT_FOUND', `snapshot ${snapshotId} does not exist; look its id up in the list`, ['id']);
}
