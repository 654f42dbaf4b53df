// The read store port: where rows are kept and asked for. It can be lost at any time: the log holds everything that it shows.
// Every adapter passes read-store.contract.ts. Not a source of decisions: those are made on the streams.
import type { Position } from '../events/event-store.js';
import type { ClusterRow, HistoryRow, SnapshotKind, SnapshotRow, SnapshotState, TargetRow } from './read-model.js';

/** Conditions all of which must hold; what is left out does not restrict, an empty list matches nothing. */
export interface SnapshotFilter {
  readonly states?: readonly SnapshotState[] | undefined;
  readonly kinds?: readonly SnapshotKind[] | undefined;
  /** Snapshots that have, had or await a copy on this target. */
  readonly targetId?: string | undefined;
  /** takenAt at or after this instant. With either bound, snapshots that were not taken are left out. */
  readonly takenAfter?: string | undefined;
  /** takenAt strictly before this instant, so that adjoining ranges share nothing. Instants: RFC 3339 UTC with milliseconds. */
  readonly takenBefore?: string | undefined;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Matching rows follow the last one. */
  readonly hasNext: boolean;
  /** Matching rows lie at or before the cursor; false without one. */
  readonly hasPrevious: boolean;
}

export interface SnapshotQuery {
  readonly clusterId: string;
  readonly filter?: SnapshotFilter | undefined;
  readonly first: number;
  /** `order` of the last row of the page before; need not be a row that still matches. */
  readonly after?: Position | null | undefined;
}

/** Whole rows: each replaces the row with its id, which shows no later event. History is only ever added to, by position. */
export interface RowChanges {
  readonly clusters: readonly ClusterRow[];
  readonly targets: readonly TargetRow[];
  readonly snapshots: readonly SnapshotRow[];
  readonly history: readonly HistoryRow[];
}

/**
 * Where the rows come from; every adapter's opener takes it. Opening empties the store, checkpoint included, where it was written from another
 * log or by another version of the projections, keeps it otherwise, and puts the target `local`.
 */
export interface ReadStoreSource {
  /** `EventStore.id` of the log that is shown. */
  readonly eventStoreId: string;
  /** Path of the target `local`, which has no events. */
  readonly localPath: string;
}

export interface ReadStore {
  /** Position of the last event whose rows are committed; null before the first. */
  checkpoint(): Promise<Position | null>;

  /**
   * False where the stored checkpoint is not `expected` (another projector was faster). Rows and checkpoint together or not at all, or, in a
   * store without transactions, the rows first: after a crash between, or beside another projector, rows may show events behind the
   * checkpoint, which their `position` tells. A row that shows a later event is never replaced. May be repeated.
   */
  commit(changes: RowChanges, expected: Position | null, checkpoint: Position): Promise<boolean>;

  /** Null for an unknown id; also removed clusters. */
  cluster(clusterId: string): Promise<ClusterRow | null>;
  /** In the order of the ids, unknown ones null. */
  clustersByIds(clusterIds: readonly string[]): Promise<readonly (ClusterRow | null)[]>;
  /** Clusters that are not removed, by id ascending; `after` is a clusterId. */
  clusters(query: { readonly first: number; readonly after?: string | null | undefined }): Promise<Page<ClusterRow>>;
  /** How many `clusters` lists in all. */
  countClusters(): Promise<number>;

  /** Null for an unknown id; also retired targets. */
  target(targetId: string): Promise<TargetRow | null>;
  targetsByIds(targetIds: readonly string[]): Promise<readonly (TargetRow | null)[]>;
  /** Targets that are not retired, `local` first, then by id. */
  targets(): Promise<readonly TargetRow[]>;

  snapshot(snapshotId: string): Promise<SnapshotRow | null>;
  snapshotsByIds(snapshotIds: readonly string[]): Promise<readonly (SnapshotRow | null)[]>;
  /** Newest first, by `order`. */
  snapshots(query: SnapshotQuery): Promise<Page<SnapshotRow>>;
  countSnapshots(clusterId: string, filter?: SnapshotFilter): Promise<number>;
  /** The newest one with takenAt <= at that has a stored copy which is not being pruned. */
  snapshotAt(clusterId: string, at: string): Promise<SnapshotRow | null>;
  /**
   * For each cluster, takenAt of the newest snapshot that has a stored copy verified at least STRUCTURE_OK: what the cluster can be
   * restored to. A cluster without one is not in the map.
   */
  lastVerifiedAt(clusterIds: readonly string[]): Promise<ReadonlyMap<string, string>>;

  /** Newest first; `after` is a position. */
  history(query: { readonly clusterId: string; readonly first: number; readonly after?: Position | null | undefined }): Promise<Page<HistoryRow>>;

  /**
   * To be called when these rows show everything in the log: gives up what earlier sources left beside them, except the latest of those,
   * which a release that is being replaced still shows. May be repeated.
   */
  dropOlder(): Promise<void>;

  /** Gives the store free; may be repeated. */
  close(): Promise<void>;
}
