// How a worker's tables take in the events of clusters: a handler for each type that matters to the table.
// Not what the tables hold: see open-work.ts and open-repairs.ts.
import type { ClusterEvent, ClusterEventOf, ClusterEventType } from '../../events/cluster-events.js';

/** Where the event stands on its stream, and when it was seen: of the worker's own monotonic clock, in ms. */
export interface Seen { readonly revision: number; readonly now: number }

export type Handlers = { readonly [T in ClusterEventType]?: (clusterId: string, data: ClusterEventOf<T>['data'], seen: Seen) => void };

export const applyEvent = (on: Handlers, clusterId: string, event: ClusterEvent, seen: Seen): void => applyBy(on, clusterId, event, seen);

function applyBy<T extends ClusterEventType>(
  on: { readonly [K in T]?: (clusterId: string, data: ClusterEventOf<K>['data'], seen: Seen) => void },
  clusterId: string, event: { readonly [K in T]: ClusterEventOf<K> }[T], seen: Seen,
): void {
  on[event.type]?.(clusterId, event.data, seen);
}
