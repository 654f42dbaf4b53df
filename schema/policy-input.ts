// Input of policies, at registration and in updates. Checked in policy-check.ts.
// Left out: kept, at first the default; null: back to the default.
import { Field, ID, InputType, Int } from 'type-graphql';

const OPTIONAL = (description: string) => ({ nullable: true, description });

@InputType()
class PolicyFieldsInput {
  @Field(() => [ID], OPTIONAL('Targets on which every snapshot is stored; default ["local"].'))
  readonly targetIds?: readonly string[] | null;

  @Field(() => Boolean, OPTIONAL('Whether recurring snapshots are taken; default true.'))
  readonly recurringEnabled?: boolean | null;

  @Field(() => Int, OPTIONAL('Hours between two snapshots, 1 to 8760; default 12. Ends a cron; not together with cron or timeZone.'))
  readonly intervalHours?: number | null;

  @Field(() => String, OPTIONAL('Cron expression of five fields, or six with seconds first. Ends an interval.'))
  readonly cron?: string | null;

  @Field(() => String, OPTIONAL('IANA time zone in which the cron is read; default UTC.'))
  readonly timeZone?: string | null;

  @Field(() => Int, OPTIONAL('Verified recurring snapshots kept on each target, 1 to 10000; default 6.'))
  readonly retentionCount?: number | null;
}

@InputType({ description: 'A policy of a cluster\'s own; what is left out has its default.' })
export class PolicyInput extends PolicyFieldsInput {}

@InputType({ description: 'Changes of a policy. Left out: kept; null: back to the default.' })
export class UpdatePolicyInput extends PolicyFieldsInput {
  @Field(() => ID, { description: 'Id of the cluster.' })
  readonly clusterId!: string;

  @Field(() => Int, OPTIONAL('The revision that the change was made for: CONFLICT if the policy has moved on.'))
  readonly expectedRevision?: number | null;
}
