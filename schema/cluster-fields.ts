// The fields of a cluster and its policy that lead elsewhere or are computed: schedule, freshness, targets, snapshots.
import { Arg, Args, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { Recurring as RecurringFact } from '../events/cluster-events.js';
import type { ClusterRow } from '../projections/read-model.js';
import { freshnessBudgetSeconds, nextSlot, nextSlots } from '../services/schedule/slots.js';
import { Cluster, ClusterConnection, Freshness } from './cluster-type.js';
import { SnapshotPageArguments } from './list-arguments.js';
import { Policy, Recurring } from './policy-type.js';
import { badArgument } from './query-fault.js';
import type { RequestContext } from './request-context.js';
import { found } from './request-context.js';
import { DateTimeScalar } from './scalars.js';
import { SnapshotConnection, snapshotPage } from './snapshot-list.js';
import { Target, targetOf } from './target-type.js';

const MAX_SLOTS = 100;

@Resolver(() => Cluster)
export class ClusterFields {
  @FieldResolver(() => DateTimeScalar, { nullable: true, description: 'The next planned slot; null where recurrence is off.' })
  nextSnapshotAt(@Root() { policy, removedAt }: ClusterRow, @Ctx() { api }: RequestContext): string | null {
    return policy === null || removedAt !== null ? null : nextSlot(policy.recurring, api.now());
  }

  @FieldResolver(() => Freshness, { description: 'How recent the newest verified snapshot is.' })
  async freshness(@Root() cluster: ClusterRow, @Ctx() { api, reader }: RequestContext): Promise<Freshness> {
    const now = api.now();
    const lastVerifiedAt = await reader.lastVerified.load(cluster.clusterId);
    const age = lastVerifiedAt === null ? null : Math.max(0, (Date.parse(now) - Date.parse(lastVerifiedAt)) / 1000);
    const budget = cluster.policy === null || cluster.removedAt !== null ? null : freshnessBudgetSeconds(cluster.policy.recurring, now);
    return { state: freshnessState(age, budget), lastVerifiedAt, ageSeconds: whole(age), budgetSeconds: whole(budget) };
  }

  @FieldResolver(() => SnapshotConnection, { description: 'The cluster\'s snapshots, newest first.' })
  snapshots(
    @Root() { clusterId }: ClusterRow,
    @Args(() => SnapshotPageArguments) page: SnapshotPageArguments,
    @Ctx() context: RequestContext,
  ): Promise<SnapshotConnection> {
    return snapshotPage({ clusterId, ...page }, context);
  }
}

@Resolver(() => ClusterConnection)
export class ClusterConnectionFields {
  @FieldResolver(() => Int, { description: 'How many clusters there are on all pages together; removed ones do not count.' })
  totalCount(@Ctx() { reader }: RequestContext): Promise<number> {
    return reader.store.countClusters();
  }
}

@Resolver(() => Policy)
export class PolicyFields {
  @FieldResolver(() => [Target], { description: 'The targets on which every snapshot is stored.' })
  async targets(@Root() { targetIds }: Policy, @Ctx() { reader }: RequestContext): Promise<Target[]> {
    const rows = await Promise.all(targetIds.map(async (id) => found(await reader.targets.load(id), `target ${id}`)));
    return rows.map(targetOf);
  }
}

@Resolver(() => Recurring)
export class RecurringFields {
  @FieldResolver(() => [DateTimeScalar], { description: 'The next planned slots, soonest first; none while recurrence is off.' })
  nextSlots(
    @Root() recurring: RecurringFact,
    @Arg('count', () => Int, { nullable: true, defaultValue: 5, description: 'How many, 1 to 100.' }) count: number | null,
    @Ctx() { api }: RequestContext,
  ): string[] {
    const wanted = count ?? 5;
    if (wanted < 1 || wanted > MAX_SLOTS) throw badArgument('count', `count: ${wanted} slots cannot be planned; ask for 1 to ${MAX_SLOTS}`);
    return nextSlots(recurring, api.now(), wanted);
  }
}

function freshnessState(age: number | null, budget: number | null): Freshness['state'] {
  if (budget === null) return 'PAUSED';
  if (age === null) return 'NEVER';
  return age <= budget ? 'FRESH' : 'STALE';
}

const whole = (seconds: number | null): number | null => (seconds === null ? null : Math.floor(seconds));
