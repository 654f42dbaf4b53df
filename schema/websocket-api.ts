// GraphQL over WebSocket (graphql-ws), on the port of HTTP, behind the same guard, token and limits.
// Every kind of operation works; subscriptions work here only.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs, FormattedExecutionResult, GraphQLSchema } from 'graphql';
import { GraphQLError, parse, validate } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import type { Disposable, ExecutionResult } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { answerError } from './answer-errors.js';
import { withoutGivenValues } from './given-values.js';
import { API_ACTOR } from './http-api.js';
import { limitFaults } from './query-limits.js';
import type { ApiDependencies, RequestContext } from './request-context.js';
import { closeRequestContext, createRequestContext } from './request-context.js';
import { isAuthorized, originFault } from './request-guard.js';

const MAX_MESSAGE_BYTES = 1 << 20;

export interface WebSocketOptions {
  readonly schema: GraphQLSchema;
  readonly api: ApiDependencies;
  readonly token: string | null;
  readonly origins: readonly string[];
}

interface OperationArgs extends ExecutionArgs {
  readonly contextValue: RequestContext;
}

/** Serves upgrades of the HTTP server at /graphql until it is disposed, which ends all operations. */
export function serveWebSocket(server: Server, options: WebSocketOptions): Disposable {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = upgradeFault(request, options.origins);
    if (refusal !== null) refuse(socket, refusal);
    else sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
  });
  const { schema, api, token } = options;
  return useServer<{ authorization?: unknown }, { request: IncomingMessage }>({
    onConnect: ({ connectionParams, extra }) => isAuthorized(connectionParams?.authorization ?? extra.request.headers.authorization, token),
    onSubscribe: (_context, _id, { query, operationName, variables }) => operation({ query, operationName, variables }, schema, api),
    onError: (_context, _id, _payload, errors) => errors.map((error) => withoutGivenValues(error.toJSON())),
    onNext: (...[, , , args, result]) => next(args as OperationArgs, result),
  }, sockets);
}

interface Asked {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

function operation(
  { query, operationName, variables }: Asked, schema: GraphQLSchema, api: ApiDependencies,
): OperationArgs | readonly GraphQLError[] {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
  const invalid = validate(schema, document);
  const faults = invalid.length > 0 ? invalid : limitFaults({ schema, document, operationName, variables });
  if (faults.length > 0) return faults;
  return { schema, document, operationName, variableValues: variables, contextValue: createRequestContext(api, API_ACTOR) };
}

type Formatted = FormattedExecutionResult<Record<string, unknown>, Record<string, unknown>>;

async function next({ contextValue }: OperationArgs, result: ExecutionResult): Promise<Formatted> {
  const extensions = contextValue.behind ? { extensions: { ...result.extensions, readStore: 'BEHIND' } } : {};
  await closeRequestContext(contextValue);
  const { errors, data } = result;
  const shown = errors === undefined ? {} : { errors: errors.map((error) => withoutGivenValues(answerError(error, contextValue.api.log).toJSON())) };
  return { ...(data === undefined ? {} : { data }), ...shown, ...extensions };
}

interface UpgradeFault {
  readonly status: string;
  readonly message: string;
}

function upgradeFault({ headers, url }: IncomingMessage, origins: readonly string[]): UpgradeFault | null {
  const foreign = originFault(headers, origins);
  if (foreign !== null) return { status: '403 Forbidden', message: foreign };
  return (url ?? '/').split('?')[0] === '/graphql' ? null : { status: '404 Not Found', message: 'WebSocket is served at /graphql' };
}

function refuse(socket: Duplex, { status, message }: UpgradeFault): void {
  const headers = ['Connection: close', 'Content-Type: text/plain; charset=utf-8', `Content-Length: ${Buffer.byteLength(message)}`];
  socket.end([`HTTP/1.1 ${status}`, ...headers, '', message].join('\r\n'));
}
