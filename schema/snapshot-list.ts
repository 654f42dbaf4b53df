// The paged list of a cluster's snapshots: filter, connection, and the page itself. Newest first.
// Single snapshots and their fields are elsewhere.
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import type { SnapshotRow } from '../projections/read-model.js';
import { pageInfo, PageInfo } from './connection-type.js';
import { listCursor, placeOf } from './cursor.js';
import { SnapshotKind, SnapshotState } from './enum-types.js';
import { pageSize } from './query-fault.js';
import type { RequestContext } from './request-context.js';
import { DateTimeScalar } from './scalars.js';
import { Snapshot } from './snapshot-type.js';

@InputType({ description: 'Which snapshots to list; all conditions must hold.' })
export class SnapshotFilter {
  @Field(() => [SnapshotState], { nullable: true, description: 'Only those in one of these states.' })
  readonly states?: readonly (keyof typeof SnapshotState)[] | null;

  @Field(() => [SnapshotKind], { nullable: true, description: 'Only those of one of these kinds.' })
  readonly kinds?: readonly (keyof typeof SnapshotKind)[] | null;

  @Field(() => ID, { nullable: true, description: 'Only those with a copy, in whatever state, on this target.' })
  readonly targetId?: string | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Only those with takenAt at or after this instant.' })
  readonly takenAfter?: string | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Only those with takenAt before this instant.' })
  readonly takenBefore?: string | null;
}

@ObjectType({ description: 'A snapshot in a list, with its place there.' })
export class SnapshotEdge {
  @Field(() => String, { description: 'Pass it as after to list what follows this snapshot.' })
  readonly cursor!: string;

  @Field(() => Snapshot, { description: 'The snapshot.' })
  readonly node!: SnapshotRow;
}

@ObjectType({ description: 'A page of snapshots, newest first.' })
export class SnapshotConnection {
  @Field(() => [SnapshotEdge], { description: 'The snapshots of this page with their cursors.' })
  readonly edges!: readonly SnapshotEdge[];

  @Field(() => [Snapshot], { description: 'The snapshots of this page.' })
  readonly nodes!: readonly SnapshotRow[];

  @Field(() => PageInfo, { description: 'Where the page stands.' })
  readonly pageInfo!: PageInfo;

  readonly clusterId!: string;
  readonly filter!: SnapshotFilter;
}

export interface SnapshotPage {
  readonly clusterId: string;
  readonly filter?: SnapshotFilter | null;
  readonly first: number | null;
  readonly after?: string | null;
}

/** One page; the total is counted only when it is asked for. */
export async function snapshotPage(page: SnapshotPage, { api, reader }: RequestContext): Promise<SnapshotConnection> {
  const first = pageSize(page.first ?? 50);
  const after = typeof page.after !== 'string' ? null : placeOf(page.after, api.store.id, 'snapshots');
  const filter = page.filter ?? {};
  const { rows, hasNext, hasPrevious } = await reader.store.snapshots({ clusterId: page.clusterId, filter: listFilter(filter), first, after });
  const edges = rows.map((node) => ({ node, cursor: listCursor(api.store.id, 'snapshots', node.order) }));
  return {
    edges, nodes: rows, clusterId: page.clusterId, filter,
    pageInfo: pageInfo(edges.map(({ cursor }) => cursor), { hasNext, hasPrevious }),
  };
}

/** The filter as the read store takes it: a condition that is null or left out is none. */
export function listFilter(filter: SnapshotFilter) {
  return {
    states: filter.states ?? undefined, kinds: filter.kinds ?? undefined, targetId: filter.targetId ?? undefined,
    takenAfter: filter.takenAfter ?? undefined, takenBefore: filter.takenBefore ?? undefined,
  };
}
