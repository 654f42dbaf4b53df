// Tries a target at somebody's request: what a backup needs of it, check by check, each with its remedy.
// The checks themselves belong to each kind of target.
import { Arg, Ctx, Field, ID, Mutation, ObjectType, Resolver } from 'type-graphql';
import { localTargetId } from '../events/target-events.js';
import type { TargetCheck as Check } from '../services/targets/target-check.js';
import type { RequestContext } from './request-context.js';
import { UserError } from './user-error-type.js';

@ObjectType({ description: 'One thing that a backup needs of a target, tried by one process.' })
export class TargetCheck implements Check {
  @Field(() => String, { description: 'The process that tried it.' })
  readonly ranOn!: string;

  @Field(() => String, { description: 'What was tried, in a few words.' })
  readonly name!: string;

  @Field(() => Boolean, { description: 'Whether it went well.' })
  readonly ok!: boolean;

  @Field(() => String, { nullable: true, description: 'What was found; null where there is nothing to say.' })
  readonly message!: string | null;

  @Field(() => String, { nullable: true, description: 'What to do; null where it went well.' })
  readonly remedy!: string | null;
}

@ObjectType({ description: 'Answer to the test of a target.' })
export class TargetTestPayload {
  @Field(() => [TargetCheck], { description: 'The checks in the order in which they were tried; one that failed may end them.' })
  readonly checks!: readonly TargetCheck[];

  @Field(() => [UserError], { description: 'Why it was not tested; empty when it was, also where checks failed.' })
  readonly userErrors!: readonly UserError[];
}

@Resolver()
export class TargetPreflight {
  @Mutation(() => TargetTestPayload, {
    description: 'Tries everything that a backup needs of a target, retired or not, and leaves nothing behind. Takes as long as the store does.',
  })
  async testTarget(
    @Arg('id', () => ID, { description: 'Id of the target.' }) id: string,
    @Ctx() { api }: RequestContext,
  ): Promise<TargetTestPayload> {
    if (id !== localTargetId && (await api.commands.targetState(id)).targetId === null) {
      const message = `target ${id} does not exist; look its id up in the list`;
      return { checks: [], userErrors: [{ code: 'NOT_FOUND', message, path: ['id'] }] };
    }
    return { checks: await api.testTarget(id), userErrors: [] };
  }
}
