// What of an error a client may see: what was asked wrongly, in full; what went wrong inside, only that it did.
// The same for HTTP and WebSocket answers.
import { GraphQLError } from 'graphql';
import { isSnapkeepError } from '../events/errors.js';
import type { Log } from './request-context.js';

/** The error to answer with; what is hidden from the client is logged. */
export function answerError(error: unknown, log: Log): GraphQLError {
  const cause = error instanceof GraphQLError ? error.originalError ?? error : error;
  const { nodes, path } = error instanceof GraphQLError ? error : { nodes: undefined, path: undefined };
  if (cause instanceof GraphQLError) return error instanceof GraphQLError ? error : cause;
  // graphql-js's own complaints about arguments and scalars.
  if (cause instanceof TypeError && cause.message.startsWith('DateTime:')) return badInput(cause, error);
  log.error({ err: cause }, 'an operation failed unexpectedly');
  const code = isSnapkeepError(cause) ? cause.code : 'INTERNAL_SERVER_ERROR';
  const message = isSnapkeepError(cause) ? cause.message : 'Snapkeep failed while answering; its log says why. Try again, and report it if it lasts.';
  return new GraphQLError(message, { nodes: nodes ?? null, path: path ?? null, extensions: { code } });
}

function badInput(cause: Error, error: unknown): GraphQLError {
  const { nodes, path } = error instanceof GraphQLError ? error : { nodes: undefined, path: undefined };
  return new GraphQLError(cause.message, { nodes: nodes ?? null, path: path ?? null, extensions: { code: 'BAD_USER_INPUT' } });
}
