// Arguments that lists and subscriptions have in common. Their values are checked where they are used.
import { ArgsType, Field, ID, Int } from 'type-graphql';
import { SnapshotFilter } from './snapshot-list.js';

@ArgsType()
export class PageArguments {
  @Field(() => Int, { nullable: true, defaultValue: 50, description: 'Page size, 1 to 10000.' })
  readonly first!: number | null;

  @Field(() => String, { nullable: true, description: 'Cursor behind which the page begins.' })
  readonly after?: string | null;
}

@ArgsType()
export class SnapshotPageArguments extends PageArguments {
  @Field(() => SnapshotFilter, { nullable: true, description: 'Which snapshots to list.' })
  readonly filter?: SnapshotFilter | null;
}

@ArgsType()
export class ChangeArguments {
  @Field(() => ID, { nullable: true, description: 'Only those of this cluster.' })
  readonly clusterId?: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor to resume behind; default: from now on.' })
  readonly after?: string | null;
}

@ArgsType()
export class CompletionArguments extends ChangeArguments {
  @Field(() => ID, {
    nullable: true,
    description: 'Only this one, which ends the subscription. Without after, a completion that is already there is sent at once.',
  })
  readonly snapshotId?: string | null;
}
