// The door: one port for GraphQL over HTTP and WebSocket, health and the query page. Listens once it is started.
// What it serves is in api-schema.ts; who may ask is in request-guard.ts.
import { expressMiddleware } from '@as-integrations/express5';
import type { NextFunction, Request, Response } from 'express';
import express from 'express';
import { createApiSchema } from './api-schema.js';
import type { AskHealth } from './health-api.js';
import { healthRoutes } from './health-api.js';
import { API_ACTOR, createApollo } from './http-api.js';
import { createDoor } from './http-door.js';
import { createKeyedQueue } from './keyed-queue.js';
import { createQueryPage } from './query-page.js';
import type { ApiDependencies } from './request-context.js';
import { createRequestContext } from './request-context.js';
import { answerRequestFault, requireToken } from './request-fault.js';
import { isAllowedOrigin, originFault } from './request-guard.js';
import { serveWebSocket } from './websocket-api.js';

export interface ServerConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Null: none is asked for. */
  readonly token: string | null;
  /** Origins beside loopback under which Snapkeep is reached or used, such as https://backup.example. */
  readonly origins: readonly string[];
  /** How long a mutation waits for the read store; default 5 s. */
  readonly readWaitMs?: number | undefined;
}

export interface ServerDependencies extends Omit<ApiDependencies, 'readWaitMs' | 'oneByOne'> {
  readonly health: AskHealth;
}

export interface ApiServer {
  /** Rejects where the port cannot be had. */
  start(): Promise<{ readonly url: string }>;
  /** Ends subscriptions, lets running requests end within a bound, frees the port. May be called twice. */
  stop(): Promise<void>;
}

const READ_WAIT_MS = 5000;
const BODY_LIMIT = '1mb';

export function createServer({ config, dependencies }: { config: ServerConfig; dependencies: ServerDependencies }): ApiServer {
  const { health, ...rest } = dependencies;
  const api: ApiDependencies = { ...rest, readWaitMs: config.readWaitMs ?? READ_WAIT_MS, oneByOne: createKeyedQueue() };
  const schema = createApiSchema();
  const apollo = createApollo(schema, api);
  const app = express().disable('x-powered-by');
  const door = createDoor(app, config);
  const sockets = serveWebSocket(door.server, { schema, api, token: config.token, origins: config.origins });
  let stopping: Promise<void> | null = null;

  async function start(): Promise<{ url: string }> {
    await apollo.start();
    // Before the guard: a kubelet probes by the pod's IP as Host.
    app.use(healthRoutes(health));
    app.use((request, response, next) => guard(request, response, next, config));
    app.use(createQueryPage());
    app.use('/graphql', requireToken(config.token), express.json({ limit: BODY_LIMIT }), expressMiddleware(apollo, {
      context: async () => createRequestContext(api, API_ACTOR),
    }));
    app.use(answerRequestFault(api.log));
    return { url: `${await door.open()}/graphql` };
  }

  async function stop(): Promise<void> {
    await sockets.dispose();
    await door.close();
    await apollo.stop();
  }

  return {
    start,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function guard(request: Request, response: Response, next: NextFunction, { origins }: ServerConfig): void {
  const fault = originFault(request.headers, origins);
  if (fault !== null) {
    response.status(403).json({ errors: [{ message: fault, extensions: { code: 'FORBIDDEN_ORIGIN' } }] });
    return;
  }
  const { origin, host = '' } = request.headers;
  if (origin !== undefined && isAllowedOrigin(origin, host, origins)) {
    response.vary('Origin').set('Access-Control-Allow-Origin', origin).set('Access-Control-Allow-Headers', 'authorization, content-type');
  }
  if (request.method === 'OPTIONS') response.status(204).end();
  else next();
}
