// Input of snapshots that are requested by hand, and of local targets. Checked in input-faults.ts.
import { Field, ID, InputType } from 'type-graphql';

@InputType({ description: 'A snapshot to take now.' })
export class SnapshotNowInput {
  @Field(() => ID, { description: 'Id of the cluster.' })
  readonly clusterId!: string;

  @Field(() => String, { nullable: true, description: 'Put behind the timestamp in its name: up to 63 of A-Z, a-z, 0-9, ".", "_" and "-".' })
  readonly name?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Names one request of its cluster for ever: repeated, it answers with the same snapshot; with another name: CONFLICT.',
  })
  readonly idempotencyKey?: string | null;
}

@InputType({ description: 'A directory in which copies are to be kept.' })
export class CreateLocalTargetInput {
  @Field(() => ID, { description: 'Slug of 1 to 63 characters: a-z, 0-9, and - inside. Never used again.' })
  readonly id!: string;

  @Field(() => String, { nullable: true, description: 'Name for people, up to 100 characters; default: the id.' })
  readonly name?: string | null;

  @Field(() => String, { description: 'Absolute, normalised path of the directory. It never changes.' })
  readonly path!: string;
}

@InputType({ description: 'Changes of a local target. Left out: kept; null: back to the default.' })
export class UpdateLocalTargetInput {
  @Field(() => ID, { description: 'Id of the target.' })
  readonly id!: string;

  @Field(() => String, { nullable: true, description: 'Name for people; null: back to the id.' })
  readonly name?: string | null;
}
