// Where every command of resolvers, workers and schedulers is executed: the deciders of both kinds of streams on the one write path.
// Decides nothing itself.
import type { DomainEvent } from '../../events/catalogue.js';
import type { ClusterEvent } from '../../events/cluster-events.js';
import { clusterEventSchemas, clusterStream } from '../../events/cluster-events.js';
import { SnapkeepError } from '../../events/errors.js';
import type { EventContext, EventStore } from '../../events/event-store.js';
import type { TargetEvent } from '../../events/target-events.js';
import { targetEventSchemas, targetStream } from '../../events/target-events.js';
import type { ClusterCommand } from './cluster-commands.js';
import { decide } from './cluster-decider.js';
import { evolve } from './cluster-fold.js';
import type { ClusterState } from './cluster-state.js';
import { initialState } from './cluster-state.js';
import { createStreamFold } from './stream-fold.js';
import type { Executed } from './stream-writer.js';
import { createStreamWriter } from './stream-writer.js';
import type { TargetCommand } from './target-commands.js';
import { decideTarget } from './target-decider.js';
import type { TargetState } from './target-state.js';
import { evolveTarget, initialTargetState } from './target-state.js';

export interface CommandHandler {
  /** Throws SnapkeepError APPEND_CONFLICT or IN_DOUBT when bounded retries did not settle it. */
  executeCluster(clusterId: string, command: ClusterCommand, context: EventContext): Promise<Executed<ClusterState>>;
  executeTarget(targetId: string, command: TargetCommand, context: EventContext): Promise<Executed<TargetState>>;
  /** As of now; the initial state for a cluster that was never registered. */
  clusterState(clusterId: string): Promise<ClusterState>;
  targetState(targetId: string): Promise<TargetState>;
}

export interface CommandHandlerParts {
  readonly store: EventStore;
  /** RFC 3339 UTC with milliseconds. */
  readonly now: () => string;
  /** A new UUID. */
  readonly newId: () => string;
  /** Events at most behind the states that are kept in memory, for each kind of stream; 2,000,000 by default. */
  readonly capacity?: number;
}

export function createCommandHandler({ store, now, newId, capacity = 2_000_000 }: CommandHandlerParts): CommandHandler {
  const clusterFold = createStreamFold<ClusterState>({
    store, initialState, capacity, evolve: (state, event, revision) => evolve(state, clusterEvent(event), revision),
  });
  const targetFold = createStreamFold<TargetState>({
    store, initialState: initialTargetState, capacity, evolve: (state, event) => evolveTarget(state, targetEvent(event)),
  });
  const clusters = createStreamWriter({ store, now, newId, fold: clusterFold });
  const targets = createStreamWriter({ store, now, newId, fold: targetFold });
  return {
    executeCluster: (clusterId, command, context) => clusters.write(clusterStream(clusterId), (state) => decide(command, state), context),
    executeTarget: (targetId, command, context) => targets.write(targetStream(targetId), (state) => decideTarget(command, state), context),
    clusterState: (clusterId) => clusters.state(clusterStream(clusterId)),
    targetState: (targetId) => targets.state(targetStream(targetId)),
  };
}

function clusterEvent(event: DomainEvent): ClusterEvent {
  if (isClusterEvent(event)) return event;
  throw misplaced(event, 'cluster');
}

function targetEvent(event: DomainEvent): TargetEvent {
  if (isTargetEvent(event)) return event;
  throw misplaced(event, 'target');
}

const isClusterEvent = (event: DomainEvent): event is ClusterEvent => event.type in clusterEventSchemas;
const isTargetEvent = (event: DomainEvent): event is TargetEvent => event.type in targetEventSchemas;

const misplaced = ({ type }: DomainEvent, kind: string): SnapkeepError =>
  new SnapkeepError('STORE_CORRUPT', `event ${type} lies in the stream of a ${kind}, where no writer puts it; restore the event log from a backup`);
