// The fields of a snapshot that lead elsewhere or are counted: its cluster, its copies' targets, a list's total.
// Plain fields are in snapshot-type.ts.
import { Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { ClusterRow, CopyRow, SnapshotRow } from '../projections/read-model.js';
import { Cluster } from './cluster-type.js';
import type { RequestContext } from './request-context.js';
import { found } from './request-context.js';
import { listFilter, SnapshotConnection } from './snapshot-list.js';
import { Snapshot, SnapshotCopy } from './snapshot-type.js';
import { Target, targetOf } from './target-type.js';

@Resolver(() => Snapshot)
export class SnapshotFields {
  @FieldResolver(() => Cluster, { description: 'The cluster it was taken of.' })
  async cluster(@Root() snapshot: SnapshotRow, @Ctx() { reader }: RequestContext): Promise<ClusterRow> {
    return found(await reader.clusters.load(snapshot.clusterId), `cluster ${snapshot.clusterId}`);
  }
}

@Resolver(() => SnapshotCopy)
export class SnapshotCopyFields {
  @FieldResolver(() => Target, { description: 'The target that holds it.' })
  async target(@Root() copy: CopyRow, @Ctx() { reader }: RequestContext): Promise<Target> {
    return targetOf(found(await reader.targets.load(copy.targetId), `target ${copy.targetId}`));
  }
}

@Resolver(() => SnapshotConnection)
export class SnapshotConnectionFields {
  @FieldResolver(() => Int, { description: 'How many snapshots the filter matches on all pages together.' })
  totalCount(@Root() { clusterId, filter }: SnapshotConnection, @Ctx() { reader }: RequestContext): Promise<number> {
    return reader.store.countSnapshots(clusterId, listFilter(filter));
  }
}
