// A cluster's history in the API: who changed, took or deleted what, and why.
import { Field, ID, ObjectType } from 'type-graphql';
import { PageInfo } from './connection-type.js';
import { DateTimeScalar, JSONObjectScalar } from './scalars.js';

@ObjectType({ description: 'One fact of a cluster\'s ledger.' })
export class HistoryEntry {
  @Field(() => String, { description: 'Its place in the log: pass it as after to page on, or to follow the log from there.' })
  readonly cursor!: string;

  @Field(() => String, { description: 'The kind of fact, such as PolicyUpdated or SnapshotTaken.' })
  readonly type!: string;

  @Field(() => DateTimeScalar, { description: 'When it happened.' })
  readonly at!: string;

  @Field(() => String, { description: 'Who caused it.' })
  readonly actor!: string;

  @Field(() => String, { description: 'What happened, in one sentence.' })
  readonly summary!: string;

  @Field(() => ID, { nullable: true, description: 'The snapshot it concerns, if one.' })
  readonly snapshotId!: string | null;

  @Field(() => JSONObjectScalar, { description: 'The fact itself, as it is kept; never a secret.' })
  readonly data!: Readonly<Record<string, unknown>>;
}

@ObjectType({ description: 'A page of a cluster\'s history, newest first.' })
export class HistoryConnection {
  @Field(() => [HistoryEntry], { description: 'The facts of this page.' })
  readonly nodes!: readonly HistoryEntry[];

  @Field(() => PageInfo, { description: 'Where the page stands.' })
  readonly pageInfo!: PageInfo;
}
