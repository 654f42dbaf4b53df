// A cluster's policy in the API: which targets, when, how many are kept.
// Targets are resolved in cluster-fields.ts.
import { Field, Int, ObjectType } from 'type-graphql';
import { DateTimeScalar } from './scalars.js';

@ObjectType({ description: 'When recurring snapshots are due: every so many hours, or by cron.' })
export class Recurring {
  @Field(() => Boolean, { description: 'Whether recurring snapshots are taken. Snapshots can be requested by hand either way.' })
  readonly enabled!: boolean;

  @Field(() => Int, { nullable: true, description: 'Hours between two slots; null where a cron rules.' })
  readonly intervalHours!: number | null;

  @Field(() => String, { nullable: true, description: 'Cron expression of five fields, or six with seconds first; null where an interval rules.' })
  readonly cron!: string | null;

  @Field(() => String, { nullable: true, description: 'IANA time zone in which the cron is read; null is UTC.' })
  readonly timeZone!: string | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When recurrence was switched on or its schedule last changed; null while it is off.' })
  readonly anchor!: string | null;
}

@ObjectType({ description: 'What is kept of a cluster: on which targets, how often, how many.' })
export class Policy {
  @Field(() => Int, { description: '1 for the first save; grows by one with each update.' })
  readonly revision!: number;

  @Field(() => DateTimeScalar, { description: 'When this revision was saved.' })
  readonly updatedAt!: string;

  @Field(() => String, { description: 'Who saved this revision.' })
  readonly updatedBy!: string;

  readonly targetIds!: readonly string[];

  @Field(() => Recurring, { description: 'When recurring snapshots are due.' })
  readonly recurring!: Recurring;

  @Field(() => Int, { description: 'Verified recurring snapshots kept on each target; older ones are pruned when a new one is stored.' })
  readonly retentionCount!: number;
}
