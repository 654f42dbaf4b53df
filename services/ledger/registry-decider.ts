// Decides on the cluster itself: registering, editing and removing it, its members, agents and policy.
// Not on its snapshots: see request-decider.ts, attempt-decider.ts, copy-decider.ts.
import { isDeepStrictEqual } from 'node:util';
import type { ClusterEvent, Connection, Failure } from '../../events/cluster-events.js';
import { anyPart } from '../../events/snapshot-part.js';
import type { ClusterState } from './cluster-state.js';
import type { CommandOf, Decision, Deciders } from './decision.js';
import { removedFault } from './decision.js';
import { savedPolicy } from './policy-change.js';
import { connectionFault, idFault, nameFault } from './registry-input.js';
import type { Rejection } from './rejection.js';
import { isRejection, reject } from './rejection.js';
import { endOfRun } from './run-end.js';

export const registryDeciders: Deciders<
  'RegisterCluster' | 'UpdateCluster' | 'RemoveCluster' | 'ObserveMembers' | 'JoinAgent' | 'LeaveAgent' | 'UpdatePolicy'
> = {
  RegisterCluster: (state, command) => registrationFault(state, command) ?? registered(command),
  UpdateCluster: (state, { name = state.name, connection = state.connection, madeFrom = state.connection }) => {
    const fault = removedFault(state) ?? nameFault(name) ?? connectionFault(connection) ?? meanwhileFault(state, madeFrom);
    if (fault) return fault;
    const same = name === state.name && isDeepStrictEqual(connection, state.connection);
    return same ? [] : [{ type: 'ClusterUpdated', data: { name, connection } }];
  },
  RemoveCluster: (state) => (state.removed ? [] : [{ type: 'ClusterRemoved', data: {} }, ...cutShort(state)]),
  ObserveMembers: (state, { members }) => {
    const fault = removedFault(state);
    if (fault) return fault;
    return isDeepStrictEqual(members, state.members.toArray()) ? [] : [{ type: 'MembersObserved', data: { members } }, ...goneAgents(state, members)];
  },
  JoinAgent: (state, { node, worker, endpoint }) => {
    const fault = removedFault(state) ?? nodeFault(node);
    if (fault) return fault;
    return isDeepStrictEqual(state.agents.get(node), { worker, endpoint }) ? [] : [{ type: 'AgentJoined', data: { node, worker, endpoint } }];
  },
  LeaveAgent: (state, { node, worker }) =>
    (state.agents.get(node)?.worker === worker ? [{ type: 'AgentLeft', data: { node, worker } }] : []),
  UpdatePolicy: (state, command) => {
    const fault = removedFault(state) ?? revisionFault(state, command.expectedRevision);
    if (fault) return fault;
    const policy = savedPolicy(state.policy, command);
    return isRejection(policy) ? policy : [{ type: 'PolicyUpdated', data: policy }];
  },
};

function registrationFault(state: ClusterState, { clusterId, name, connection, legacy, policy }: CommandOf<'RegisterCluster'>): Rejection | null {
  if (state.clusterId !== null) {
    const remedy = state.removed ? 'ids of removed clusters are never used again' : 'it is registered';
    return reject('ALREADY_EXISTS', `cluster id "${clusterId}" is taken (${remedy}); choose another`, ['id']);
  }
  const policyFault = legacy && policy !== null
    ? reject('INVALID_INPUT', 'a legacy cluster has no policy until it is saved for the first time; leave out policy or legacy', ['policy'])
    : null;
  return idFault(clusterId) ?? nameFault(name) ?? connectionFault(connection) ?? policyFault;
}

function registered(command: CommandOf<'RegisterCluster'>): Decision {
  const { clusterId, name, legacy, connection, usableTargetIds, now } = command;
  const birth: ClusterEvent = { type: 'ClusterRegistered', data: { clusterId, name, legacy, connection } };
  if (legacy) return [birth];
  const policy = savedPolicy(null, { change: command.policy ?? {}, usableTargetIds, now });
  if (!isRejection(policy)) return [birth, { type: 'PolicyUpdated', data: policy }];
  const { code, message, path } = policy.rejected;
  return reject(code, message, ['policy', ...(path ?? [])]);
}

function revisionFault({ policy }: ClusterState, expected: number | null): Rejection | null {
  const revision = policy?.revision ?? 0;
  if (expected === null || expected === revision) return null;
  const message = `the policy is at revision ${revision}, not ${expected}: somebody saved it meanwhile; read it again and decide anew`;
  return reject('CONFLICT', message, ['expectedRevision']);
}

function meanwhileFault({ clusterId, connection }: ClusterState, madeFrom: Connection): Rejection | null {
  if (isDeepStrictEqual(connection, madeFrom)) return null;
  return reject('CONFLICT', `cluster ${clusterId} was changed by somebody else at the same time; look at it and send this change again`);
}

function nodeFault(node: string): Rejection | null {
  if (node !== '' && node !== anyPart) return null;
  return reject('INVALID_INPUT', `"${node}" cannot be the name of a node with an agent: give its etcd member another name`, ['node']);
}

/** An agent is gone with its member; one that lives on joins again, and so can still be asked for what its disk holds. */
function goneAgents({ agents }: ClusterState, members: CommandOf<'ObserveMembers'>['members']): readonly ClusterEvent[] {
  const gone = agents.filter((_, node) => !members.some(({ name }) => name === node));
  return gone.entrySeq().toArray().map(([node, { worker }]) => ({ type: 'AgentLeft', data: { node, worker } }));
}

/** Ends every open request; what was stored by then stays. */
function cutShort(state: ClusterState): readonly ClusterEvent[] {
  const failure: Failure = { step: 'CLAIM', code: 'CLUSTER_REMOVED', message: `cluster ${state.clusterId} was removed before this snapshot ended` };
  return state.open.toArray().flatMap((id) => {
    const snapshot = state.snapshots.get(id);
    return snapshot ? [endOfRun(snapshot, failure)] : [];
  });
}
