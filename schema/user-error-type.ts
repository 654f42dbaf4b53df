// What a mutation answers when it cannot do what was asked: userErrors beside a null object.
// Also the payloads' shapes. Not thrown errors: those are bugs or denied access.
import { Field, ObjectType } from 'type-graphql';
import type { UserErrorCode as Code } from '../events/error-codes.js';
import type { ClusterRow, SnapshotRow } from '../projections/read-model.js';
import { Cluster } from './cluster-type.js';
import { UserErrorCode } from './enum-types.js';
import { Policy } from './policy-type.js';
import { Snapshot } from './snapshot-type.js';
import { Target } from './target-type.js';

@ObjectType({ description: 'Why a mutation did nothing, in terms of what mends it.' })
export class UserError {
  @Field(() => UserErrorCode, { description: 'A code for programs.' })
  readonly code!: Code;

  @Field(() => String, { description: 'What is wrong and what to do, for a person.' })
  readonly message!: string;

  @Field(() => [String], { nullable: true, description: 'The input field at fault, such as ["policy", "cron"]; null where it is none.' })
  readonly path!: readonly string[] | null;
}

const ERRORS = { description: 'Why it was not done; empty when it was.' } as const;
const CURSOR = { nullable: true, description: 'Pass it as after to see all that follows.' } as const;

@ObjectType({ description: 'Answer to a mutation of a cluster.' })
export class ClusterPayload {
  @Field(() => Cluster, { nullable: true, description: 'The cluster as it is now.' })
  readonly cluster!: ClusterRow | null;

  @Field(() => String, CURSOR)
  readonly cursor!: string | null;

  @Field(() => [UserError], ERRORS)
  readonly userErrors!: readonly UserError[];
}

@ObjectType({ description: 'Answer to a mutation of a policy.' })
export class PolicyPayload {
  @Field(() => Policy, { nullable: true, description: 'The policy as it is now.' })
  readonly policy!: Policy | null;

  @Field(() => String, CURSOR)
  readonly cursor!: string | null;

  @Field(() => [UserError], ERRORS)
  readonly userErrors!: readonly UserError[];
}

@ObjectType({ description: 'Answer to a mutation of a snapshot.' })
export class SnapshotPayload {
  @Field(() => Snapshot, { nullable: true, description: 'The snapshot as it is now.' })
  readonly snapshot!: SnapshotRow | null;

  @Field(() => String, CURSOR)
  readonly cursor!: string | null;

  @Field(() => [UserError], ERRORS)
  readonly userErrors!: readonly UserError[];
}

@ObjectType({ description: 'Answer to a mutation of a target.' })
export class TargetPayload {
  @Field(() => Target, { nullable: true, description: 'The target as it is now.' })
  readonly target!: Target | null;

  @Field(() => [UserError], ERRORS)
  readonly userErrors!: readonly UserError[];
}
