// What of an error a client may see: what was asked wrongly, in full; what went wrong inside, only that it did.
// The same for HTTP and WebSocket answers.
import { GraphQLError } from 'graphql';
import type { GraphQLErrorOptions } from 'graphql';
import { isSnapkeepError } from '../events/errors.js';
import type { Log } from './request-context.js';

/** The error to answer with; what is hidden from the client is logged. */
export function answerError(error: unknown, log: Log): GraphQLError {
  const cause = error instanceof GraphQLError ? error.originalError ?? error : error;
  if (cause instanceof GraphQLError) return error instanceof GraphQLError ? error : cause;
  log.error({ err: cause }, 'an operation failed unexpectedly');
  const code = isSnapkeepError(cause) ? cause.code : 'INTERNAL_SERVER_ERROR';
  const message = isSnapkeepError(cause) ? cause.message : 'Snapkeep failed while answering; its log says why. Try again, and report it if it lasts.';
  return new GraphQLError(message, { ...place(error), extensions: { code } });
}

function place(error: unknown): Pick<GraphQLErrorOptions, 'nodes' | 'path'> {
  return error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : { nodes: null, path: null };
}
