// GraphQL errors for what is asked wrongly: bad arguments, refused access. Not for mutations' input, which answers with userErrors.
import { GraphQLError } from 'graphql';

/** A query or subscription argument that cannot be accepted. */
export function badArgument(argument: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', argument } });
}

const MAX_PAGE = 10_000;

/** The page size asked for, or a GraphQL error naming the argument. */
export function pageSize(first: number, argument = 'first'): number {
  if (first >= 1 && first <= MAX_PAGE) return first;
  throw badArgument(argument, `${argument}: ${first} is not a page size; ask for 1 to ${MAX_PAGE}`);
}
