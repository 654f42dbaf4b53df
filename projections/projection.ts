// One batch of the log → whole rows, by the translation of each topic. Knows which rows an event needs; loads and stores none itself.
// The same events give the same rows, however they are cut into batches.
import type { DomainEvent } from '../events/catalogue.js';
import type { ClusterEvent } from '../events/cluster-events.js';
import { SnapkeepError } from '../events/errors.js';
import type { StoredEvent } from '../events/event-store.js';
import { type TargetEvent, targetEventSchemas } from '../events/target-events.js';
import { clusterAfter, registeredCluster } from './projection-cluster.js';
import { historyEntry } from './projection-history.js';
import { type SnapshotEvent, requestedSnapshot, snapshotAfter } from './projection-snapshot.js';
import { createdTarget, targetAfter } from './projection-target.js';
import type { ClusterRow, HistoryRow, ShownRow, SnapshotRow, TargetRow } from './read-model.js';
import type { RowChanges } from './read-store.js';

/** Grows whenever the rows of the same events change: a read store of another version is rebuilt from zero. */
export const projectionVersion = 3;

/** Ids of the rows that a batch changes. */
export interface RowKeys {
  readonly clusters: ReadonlySet<string>;
  readonly targets: ReadonlySet<string>;
  readonly snapshots: ReadonlySet<string>;
}

/** Rows by id, as they were before the batch. */
export interface KnownRows {
  readonly clusters: Map<string, ClusterRow>;
  readonly targets: Map<string, TargetRow>;
  readonly snapshots: Map<string, SnapshotRow>;
}

export const noRows = (): KnownRows => ({ clusters: new Map(), targets: new Map(), snapshots: new Map() });

export function keysOf(events: readonly StoredEvent[]): RowKeys {
  const keys = { clusters: new Set<string>(), targets: new Set<string>(), snapshots: new Set<string>() };
  for (const stored of events) {
    const id = subjectOf(stored);
    if (isTargetEvent(stored.event)) keys.targets.add(id);
    else if ('snapshotId' in stored.event.data) keys.snapshots.add(stored.event.data.snapshotId);
    else keys.clusters.add(id);
  }
  return keys;
}

/**
 * The batch's rows. Changes `rows`, which must hold every row of `keysOf(events)` that exists.
 * Throws STORE_CORRUPT where an event speaks of a row that is not there.
 */
export function project(events: readonly StoredEvent[], rows: KnownRows): RowChanges {
  const history: HistoryRow[] = [];
  const changed = keysOf(events);
  for (const stored of events) {
    const id = subjectOf(stored);
    if (isTargetEvent(stored.event)) {
      changeTarget(stored, { id, event: stored.event }, rows);
      continue;
    }
    projectClusterEvent(stored, { id, event: stored.event }, rows);
    const entry = historyEntry(id, stored.event, stored);
    if (entry !== null) history.push(entry);
  }
  return {
    clusters: picked(changed.clusters, rows.clusters), targets: picked(changed.targets, rows.targets),
    snapshots: picked(changed.snapshots, rows.snapshots), history,
  };
}

function projectClusterEvent(stored: StoredEvent, { id, event }: { id: string; event: ClusterEvent }, rows: KnownRows): void {
  if (event.type === 'ClusterRegistered') {
    change(rows.clusters, id, stored, () => registeredCluster(event.data, stored));
  } else if (event.type === 'SnapshotRequested') {
    change(rows.snapshots, event.data.snapshotId, stored, () => requestedSnapshot(id, event.data, stored));
  } else if (isSnapshotEvent(event)) {
    const { snapshotId } = event.data;
    change(rows.snapshots, snapshotId, stored, (row) => snapshotAfter(row ?? missing(stored, `snapshot ${snapshotId}`), event, stored));
  } else {
    change(rows.clusters, id, stored, (row) => clusterAfter(row ?? missing(stored, `cluster ${id}`), event, stored));
  }
}

function changeTarget(stored: StoredEvent, { id, event }: { id: string; event: TargetEvent }, rows: KnownRows): void {
  change(rows.targets, id, stored, (row) => (event.type === 'TargetCreated'
    ? createdTarget(event.data, stored) : targetAfter(row ?? missing(stored, `target ${stored.stream}`), event, stored)));
}

/** A row may show the event already: a store without transactions keeps rows of a batch whose checkpoint was never written. */
function change<Row extends ShownRow>(rows: Map<string, Row>, id: string, stored: StoredEvent, after: (row: Row | undefined) => Row): void {
  const row = rows.get(id);
  if (row === undefined || row.position < stored.position) rows.set(id, { ...after(row), position: stored.position });
}

const picked = <Row>(ids: ReadonlySet<string>, rows: ReadonlyMap<string, Row>): readonly Row[] =>
  [...ids].flatMap((id) => rows.get(id) ?? []);

/** The id behind the stream's kind. */
const subjectOf = ({ stream }: StoredEvent): string => stream.slice(stream.indexOf('-') + 1);

const isTargetEvent = (event: DomainEvent): event is TargetEvent => event.type in targetEventSchemas;

const isSnapshotEvent = (event: ClusterEvent): event is SnapshotEvent =>
  'snapshotId' in event.data && event.type !== 'SnapshotRequested';

function missing({ position, event }: StoredEvent, what: string): never {
  throw new SnapkeepError('STORE_CORRUPT', `Projection: ${event.type} at ${position} speaks of ${what}, which the read store does not hold; `
    + 'stop the process and delete the read store, which is then rebuilt from the log', { details: { position, type: event.type } });
}
