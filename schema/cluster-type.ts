// Clusters in the API, with their nodes and freshness.
// Policy, schedule and snapshots are resolved in cluster-fields.ts.
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { PageInfo } from './connection-type.js';
import { FreshnessState } from './enum-types.js';
import { Policy } from './policy-type.js';
import { DateTimeScalar } from './scalars.js';

@ObjectType({ description: 'A member of the etcd cluster, as last seen.' })
export class EtcdNode {
  @Field(() => String, { description: 'The member\'s name; empty while it has never started.' })
  readonly name!: string;

  @Field(() => ID, { description: 'The member\'s id in hexadecimal, as etcdctl prints it.' })
  readonly memberId!: string;

  @Field(() => [String], { description: 'URLs at which clients reach it.' })
  readonly clientUrls!: readonly string[];

  @Field(() => Boolean, { description: 'Whether a Snapkeep agent serves this node.' })
  readonly agent!: boolean;
}

@ObjectType({ description: 'How recent the newest verified snapshot is, measured against what the policy promises.' })
export class Freshness {
  @Field(() => FreshnessState, { description: 'The verdict.' })
  readonly state!: keyof typeof FreshnessState;

  @Field(() => DateTimeScalar, { nullable: true, description: 'The point in time that the newest verified snapshot restores to.' })
  readonly lastVerifiedAt!: string | null;

  @Field(() => Int, { nullable: true, description: 'Seconds since lastVerifiedAt.' })
  readonly ageSeconds!: number | null;

  @Field(() => Int, { nullable: true, description: 'Seconds after which it is stale: 1.5 times the longest gap between the next 20 slots.' })
  readonly budgetSeconds!: number | null;
}

@ObjectType({ description: 'An etcd cluster that Snapkeep keeps restorable.' })
export class Cluster {
  @Field(() => ID, { name: 'id', description: 'Slug chosen at registration. It is never used again, also after the cluster is removed.' })
  readonly clusterId!: string;

  @Field(() => String, { description: 'Name for people.' })
  readonly name!: string;

  @Field(() => [String], { description: 'URLs at which the cluster\'s members are reached.' })
  readonly endpoints!: readonly string[];

  @Field(() => DateTimeScalar, { description: 'When it was registered.' })
  readonly registeredAt!: string;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was removed; its snapshots stay on their targets and in the list.' })
  readonly removedAt!: string | null;

  @Field(() => [EtcdNode], { name: 'nodes', description: 'The etcd members as last seen.' })
  readonly members!: readonly EtcdNode[];

  @Field(() => Policy, { nullable: true, description: 'Null for a legacy cluster until its policy is saved for the first time.' })
  readonly policy!: Policy | null;
}

@ObjectType({ description: 'A page of clusters, ordered by id.' })
export class ClusterConnection {
  @Field(() => [Cluster], { description: 'The clusters of this page.' })
  readonly nodes!: readonly Cluster[];

  @Field(() => PageInfo, { description: 'Where the page stands.' })
  readonly pageInfo!: PageInfo;
}
