// What a process says of itself over HTTP, beside the API or alone, for roles that serve nothing else.
// Not what it says: see health.ts. Asks for no token, and answers under any Host: a kubelet probes by the pod's IP.
import type { Response, Router } from 'express';
import express from 'express';
import { createDoor } from './http-door.js';

/** Whether the process runs, whether it can serve, and what each of its parts says of itself. */
export interface Health {
  readonly live: boolean;
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, unknown>>;
}

export type AskHealth = () => Health | Promise<Health>;

export interface HealthServer {
  /** Rejects where the port cannot be had. */
  start(): Promise<{ readonly url: string }>;
  stop(): Promise<void>;
}

export function healthRoutes(health: AskHealth): Router {
  const router = express.Router();
  for (const asked of ['live', 'ready'] as const) {
    router.get(`/health/${asked}`, async (_request, response) => void sendHealth(response, await health(), asked));
  }
  return router;
}

export function createHealthServer(config: { readonly host: string; readonly port: number }, health: AskHealth): HealthServer {
  const door = createDoor(express().disable('x-powered-by').use(healthRoutes(health)), config);
  return { start: async () => ({ url: `${await door.open()}/health/ready` }), stop: () => door.close() };
}

function sendHealth(response: Response, state: Health, asked: 'live' | 'ready'): void {
  response.status(state[asked] ? 200 : 503).set('Cache-Control', 'no-store').json(state);
}
