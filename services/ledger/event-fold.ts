// The shape of a fold: how one kind of event changes a cluster's state. Pure, and it never rejects.
// The folds themselves: cluster-fold.ts, run-fold.ts, copy-fold.ts.
import type { ClusterEventOf, ClusterEventType } from '../../events/cluster-events.js';
import type { ClusterState } from './cluster-state.js';

export type Fold<T extends ClusterEventType> = (state: ClusterState, data: ClusterEventOf<T>['data'], revision: number) => ClusterState;
export type Folds<T extends ClusterEventType = ClusterEventType> = { readonly [K in T]: Fold<K> };
