// What every paged list carries beside its rows. The lists themselves are with what they list.
import { Field, ObjectType } from 'type-graphql';

@ObjectType({ description: 'Where a page stands in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether more follows: ask again with after: endCursor.' })
  readonly hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether something precedes the page.' })
  readonly hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first row; null on an empty page.' })
  readonly startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last row; null on an empty page.' })
  readonly endCursor!: string | null;
}

/** The page info of rows whose cursors are given in their order. */
export function pageInfo(cursors: readonly string[], more: { readonly hasNext: boolean; readonly hasPrevious: boolean }): PageInfo {
  return {
    hasNextPage: more.hasNext, hasPreviousPage: more.hasPrevious,
    startCursor: cursors[0] ?? null, endCursor: cursors.at(-1) ?? null,
  };
}
