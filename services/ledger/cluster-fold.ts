// How each event changes what is known of a cluster: one table, complete by its type. Pure, and of constant cost whatever the
// ledger's length. Not where events come from: see cluster-decider.ts.
import { List } from 'immutable';
import type { ClusterEvent, ClusterEventOf, ClusterEventType } from '../../events/cluster-events.js';
import type { ClusterState } from './cluster-state.js';
import { copyFolds } from './copy-fold.js';
import type { Fold, Folds } from './event-fold.js';
import { runFolds } from './run-fold.js';

const folds: Folds = {
  ClusterRegistered: (state, { clusterId, name, legacy, connection }) => ({ ...state, clusterId, name, legacy, connection }),
  ClusterUpdated: (state, { name, connection }) => ({ ...state, name, connection }),
  ClusterRemoved: (state) => ({ ...state, removed: true }),
  MembersObserved: (state, { members }) => ({ ...state, members: List(members) }),
  AgentJoined: (state, { node, worker, endpoint }) => ({ ...state, agents: state.agents.set(node, { worker, endpoint }) }),
  AgentLeft: (state, { node }) => ({ ...state, agents: state.agents.delete(node) }),
  PolicyUpdated: (state, policy) => ({ ...state, policy }),
  ...runFolds,
  ...copyFolds,
};

/** `revision` is the event's own. */
export function evolve(state: ClusterState, event: ClusterEvent, revision: number): ClusterState {
  return { ...applied(state, event, revision), revision };
}

/** The state once the events are appended behind it. */
export const evolveAll = (state: ClusterState, events: readonly ClusterEvent[]): ClusterState =>
  events.reduce((before, event) => evolve(before, event, before.revision + 1), state);

function applied<T extends ClusterEventType>(state: ClusterState, event: ClusterEventOf<T>, revision: number): ClusterState {
  const fold: Fold<T> = folds[event.type];
  return fold(state, event.data, revision);
}
