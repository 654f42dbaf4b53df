// Rows made straight from the ledger, for the answer to a mutation while the read store is behind.
// Not a read store to keep: it holds what one cluster's streams say, and is closed with the request.
import type { DomainEvent } from '../events/catalogue.js';
import { clusterStream } from '../events/cluster-events.js';
import type { StoredEvent } from '../events/event-store.js';
import { targetStream } from '../events/target-events.js';
import { noRows, project } from '../projections/projection.js';
import type { ReadStore } from '../projections/read-store.js';
import type { ApiDependencies } from './request-context.js';

/** Which streams an answer needs; the targets that the cluster names come along. */
export interface LedgerSubject {
  readonly clusterId?: string;
  readonly targetId?: string;
}

/** A read store in memory that shows the subject as the log has it now; the caller closes it. */
export async function ledgerView({ clusterId, targetId }: LedgerSubject, api: ApiDependencies): Promise<ReadStore> {
  const events: StoredEvent[] = [];
  if (clusterId !== undefined) events.push(...await collected(api.store.readStream(clusterStream(clusterId))));
  const targetIds = new Set(events.flatMap(({ event }) => targetIdsIn(event)));
  if (targetId !== undefined) targetIds.add(targetId);
  for (const id of targetIds) events.push(...await collected(api.store.readStream(targetStream(id))));
  const view = await api.openMemoryReadStore();
  const last = events.map(({ position }) => position).sort().at(-1);
  if (last !== undefined) await view.commit(project(events, noRows()), null, last);
  return view;
}

async function collected(events: AsyncIterable<StoredEvent>): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function targetIdsIn(event: DomainEvent): readonly string[] {
  if (event.type === 'PolicyUpdated') return event.data.targetIds;
  return event.type === 'SnapshotRequested' ? event.data.parts.flatMap(({ targetIds }) => targetIds) : [];
}
