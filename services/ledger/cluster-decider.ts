// What a command on a cluster's ledger leads to: events, or why not. One table, complete by its type; pure, without clock, ids or I/O.
// Not how state comes about (cluster-fold.ts) nor how events are written (command-handler.ts).
import { attemptDeciders } from './attempt-decider.js';
import type { ClusterCommand } from './cluster-commands.js';
import type { ClusterState } from './cluster-state.js';
import { copyDeciders } from './copy-decider.js';
import type { CommandOf, CommandType, Decider, Deciders, Decision } from './decision.js';
import { registryDeciders } from './registry-decider.js';
import { reject } from './rejection.js';
import { requestDeciders } from './request-decider.js';

const deciders: Deciders = { ...registryDeciders, ...requestDeciders, ...attemptDeciders, ...copyDeciders };

export function decide(command: ClusterCommand, state: ClusterState): Decision {
  if (state.clusterId === null && command.type !== 'RegisterCluster') {
    return reject('NOT_FOUND', 'this cluster does not exist; register it first, or look its id up in the list', ['id']);
  }
  return decided(command, state);
}

function decided<T extends CommandType>(command: CommandOf<T>, state: ClusterState): Decision {
  const decider: Decider<T> = deciders[command.type];
  return decider(state, command);
}
