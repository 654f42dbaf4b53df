// Input of snapshots that are requested by hand. Checked in input-faults.ts.
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
