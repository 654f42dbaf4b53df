// The dry run of retention: what the ledger's own function would keep and delete. Nothing is deleted by asking.
import { Arg, Ctx, Field, ID, Int, ObjectType, Query, Resolver } from 'type-graphql';
import type { SnapshotRow } from '../projections/read-model.js';
import { ledgerView } from './ledger-view.js';
import { isShown } from './mutation-answer.js';
import { badArgument } from './query-fault.js';
import type { RequestContext } from './request-context.js';
import { found } from './request-context.js';
import { Snapshot } from './snapshot-type.js';
import { Target, targetOf } from './target-type.js';
import { retentionPlan } from '../services/retention/retention-plan.js';

@ObjectType({ description: 'What retention would do with one copy.' })
export class RetentionDecision {
  @Field(() => Snapshot, { description: 'The snapshot.' })
  readonly snapshot!: SnapshotRow;

  @Field(() => Target, { description: 'The target that holds the copy.' })
  readonly target!: Target;

  @Field(() => String, { nullable: true, description: 'The etcd node on whose disk the copy lies; null for one that is not tied to a node.' })
  readonly node!: string | null;

  @Field(() => Boolean, { description: 'Whether it would stay.' })
  readonly keep!: boolean;

  @Field(() => [String], { description: 'Why.' })
  readonly reasons!: readonly string[];
}

@Resolver()
export class RetentionQuery {
  @Query(() => [RetentionDecision], { description: 'What retention would keep and delete now, copy by copy. A dry run: nothing is deleted.' })
  async retentionPlan(
    @Arg('clusterId', () => ID, { description: 'Id of the cluster.' }) clusterId: string,
    @Arg('retentionCount', () => Int, { nullable: true, description: 'Count to try, 1 to 10000; default: the policy\'s.' })
    retentionCount: number | null | undefined,
    @Ctx() context: RequestContext,
  ): Promise<RetentionDecision[]> {
    const { api } = context;
    const count = retentionCount ?? undefined;
    if (count !== undefined && (count < 1 || count > 10_000)) {
      throw badArgument('retentionCount', `retentionCount: ${count} cannot be kept; ask for 1 to 10000`);
    }
    const state = await api.commands.clusterState(clusterId);
    if (state.clusterId === null) {
      throw badArgument('clusterId', `clusterId: there is no cluster "${clusterId}"; the query clusters lists those there are`);
    }
    const plan = retentionPlan(state, count);
    await readableFor(clusterId, plan, context);
    const { reader } = context;
    return Promise.all(plan.map(async ({ snapshotId, targetId, node, keep, reasons }) => ({
      snapshot: found(await reader.snapshots.load(snapshotId), `snapshot ${snapshotId}`),
      target: targetOf(found(await reader.targets.load(targetId), `target ${targetId}`)),
      node, keep, reasons,
    })));
  }
}

interface PlannedCopy {
  readonly snapshotId: string;
  readonly targetId: string;
}

/** The plan is the ledger's: what the read store does not show yet is given to the request's reader from there. */
async function readableFor(clusterId: string, plan: readonly PlannedCopy[], context: RequestContext): Promise<void> {
  const { api, reader, closing } = context;
  const head = await api.store.head();
  if (head === null || await isShown(head, context)) return;
  const view = await ledgerView({ clusterId }, api);
  closing.push(() => view.close());
  context.behind = true;
  reader.clusters.clear(clusterId).prime(clusterId, await view.cluster(clusterId));
  for (const row of await view.snapshotsByIds([...new Set(plan.map(({ snapshotId }) => snapshotId))])) {
    if (row !== null) reader.snapshots.clear(row.snapshotId).prime(row.snapshotId, row);
  }
  for (const row of await view.targetsByIds([...new Set(plan.map(({ targetId }) => targetId))])) {
    if (row !== null) reader.targets.clear(row.targetId).prime(row.targetId, row);
  }
}
