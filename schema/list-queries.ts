// The queries of lists and of single objects: clusters, targets, snapshots, history, and where the log stands.
// The dry run of retention is in retention-query.ts.
import { Arg, Args, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { ClusterRow, HistoryRow, SnapshotRow } from '../projections/read-model.js';
import { Cluster, ClusterConnection } from './cluster-type.js';
import { pageInfo } from './connection-type.js';
import { listCursor, logCursor, placeOf, positionOf } from './cursor.js';
import { HistoryConnection } from './history-type.js';
import { PageArguments, SnapshotPageArguments } from './list-arguments.js';
import { badArgument, pageSize } from './query-fault.js';
import type { RequestContext } from './request-context.js';
import { DateTimeScalar } from './scalars.js';
import { SnapshotConnection, snapshotPage } from './snapshot-list.js';
import { Snapshot } from './snapshot-type.js';
import { Target, targetOf } from './target-type.js';

const CLUSTER_ID = { description: 'Id of the cluster; a removed one still answers.' } as const;

@Resolver()
export class ListQueries {
  @Query(() => String, { description: 'Where the log stands now: pass it as after to miss nothing from here on.' })
  async cursor(@Ctx() { api: { store } }: RequestContext): Promise<string> {
    return logCursor(store.id, await store.head());
  }

  @Query(() => Cluster, { nullable: true, description: 'A cluster by its id, also a removed one; null for an unknown id.' })
  cluster(@Arg('id', () => ID, { description: 'Id of the cluster.' }) id: string, @Ctx() { reader }: RequestContext): Promise<ClusterRow | null> {
    return reader.clusters.load(id);
  }

  @Query(() => ClusterConnection, { description: 'The clusters that are not removed, by id.' })
  async clusters(
    @Args(() => PageArguments) { first, after }: PageArguments,
    @Ctx() { api, reader }: RequestContext,
  ): Promise<ClusterConnection> {
    const place = typeof after === 'string' ? placeOf(after, api.store.id, 'clusters') : null;
    const { rows, hasNext, hasPrevious } = await reader.store.clusters({ first: pageSize(first ?? 50), after: place });
    const cursors = rows.map(({ clusterId }) => listCursor(api.store.id, 'clusters', clusterId));
    return { nodes: rows, pageInfo: pageInfo(cursors, { hasNext, hasPrevious }) };
  }

  @Query(() => Target, { nullable: true, description: 'A target by its id, also a retired one; null for an unknown id.' })
  async target(@Arg('id', () => ID, { description: 'Id of the target.' }) id: string, @Ctx() { reader }: RequestContext): Promise<Target | null> {
    const row = await reader.targets.load(id);
    return row === null ? null : targetOf(row);
  }

  @Query(() => [Target], { description: 'The targets that policies may name: local first, then by id.' })
  async targets(@Ctx() { reader }: RequestContext): Promise<Target[]> {
    return (await reader.store.targets()).map(targetOf);
  }

  @Query(() => Snapshot, { nullable: true, description: 'A snapshot by its id; null for an unknown id.' })
  snapshot(@Arg('id', () => ID, { description: 'Id of the snapshot.' }) id: string, @Ctx() { reader }: RequestContext): Promise<SnapshotRow | null> {
    return reader.snapshots.load(id);
  }

  @Query(() => SnapshotConnection, { description: 'A cluster\'s snapshots, newest first.' })
  async snapshots(
    @Arg('clusterId', () => ID, CLUSTER_ID) clusterId: string,
    @Args(() => SnapshotPageArguments) asked: SnapshotPageArguments,
    @Ctx() context: RequestContext,
  ): Promise<SnapshotConnection> {
    const page = await snapshotPage({ clusterId, ...asked }, context);
    await knownCluster(clusterId, context);
    return page;
  }

  @Query(() => Snapshot, {
    nullable: true, description: 'The point-in-time choice: the newest restorable snapshot with takenAt at or before an instant.',
  })
  async snapshotAt(
    @Arg('clusterId', () => ID, CLUSTER_ID) clusterId: string,
    @Arg('at', () => DateTimeScalar, { description: 'The instant to restore to.' }) at: string,
    @Ctx() context: RequestContext,
  ): Promise<SnapshotRow | null> {
    await knownCluster(clusterId, context);
    return context.reader.store.snapshotAt(clusterId, at);
  }

  @Query(() => HistoryConnection, { description: 'Who changed, took or deleted what, and why; newest first.' })
  async history(
    @Arg('clusterId', () => ID, CLUSTER_ID) clusterId: string,
    @Args(() => PageArguments) { first, after }: PageArguments,
    @Ctx() context: RequestContext,
  ): Promise<HistoryConnection> {
    const { api: { store }, reader } = context;
    const position = typeof after === 'string' ? positionOf(after, store.id) : null;
    const { rows, hasNext, hasPrevious } = await reader.store.history({ clusterId, first: pageSize(first ?? 50), after: position });
    await knownCluster(clusterId, context);
    const nodes = rows.map((row: HistoryRow) => ({ ...row, cursor: logCursor(store.id, row.position) }));
    return { nodes, pageInfo: pageInfo(nodes.map(({ cursor }) => cursor), { hasNext, hasPrevious }) };
  }
}

async function knownCluster(clusterId: string, { reader }: RequestContext): Promise<void> {
  if (await reader.clusters.load(clusterId) !== null) return;
  throw badArgument('clusterId', `clusterId: there is no cluster "${clusterId}"; the query clusters lists those there are`);
}
