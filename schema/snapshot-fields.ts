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

/** A copy with what leads from it to its cluster. */
type OwnedCopy = CopyRow & Pick<SnapshotRow, 'clusterId'>;

@Resolver(() => Snapshot)
export class SnapshotFields {
  @FieldResolver(() => [SnapshotCopy], { description: 'Its copies, one for each target, with node agents one for each node.' })
  copies(@Root() { clusterId, copies }: SnapshotRow): readonly OwnedCopy[] {
    return copies.map((copy) => ({ ...copy, clusterId }));
  }

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

  @FieldResolver(() => Boolean, {
    description: 'Whether its node is no member of the cluster any more, as last seen, and has no agent: then nobody reaches it, retention leaves it '
      + 'as it is, and deleteSnapshot gives it up.',
  })
  async nodeLeft(@Root() { node, clusterId }: OwnedCopy, @Ctx() { reader }: RequestContext): Promise<boolean> {
    if (node === null) return false;
    const { members, agents } = found(await reader.clusters.load(clusterId), `cluster ${clusterId}`);
    return !members.some(({ name }) => name === node) && !agents.some((agent) => agent.node === node);
  }
}

@Resolver(() => SnapshotConnection)
export class SnapshotConnectionFields {
  @FieldResolver(() => Int, { description: 'How many snapshots the filter matches on all pages together.' })
  totalCount(@Root() { clusterId, filter }: SnapshotConnection, @Ctx() { reader }: RequestContext): Promise<number> {
    return reader.store.countSnapshots(clusterId, listFilter(filter));
  }
}
