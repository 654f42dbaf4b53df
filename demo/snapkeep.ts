// Snapkeep as the demo sees it: a child process configured by environment, and its GraphQL API over HTTP and WebSocket.
// Uses nothing of Snapkeep's own code: what works here works for every client.
import { join } from 'node:path';
import type { Client } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import type { Child } from './child.js';
import { startChild } from './child.js';
import { untilHealthy } from './wait.js';

export interface Snapkeep extends Child {
  readonly url: string;
}

export function startSnapkeep(folder: string, port: number): Snapkeep {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SNAPKEEP_')));
  const env = {
    ...inherited,
    SNAPKEEP_HOST: '127.0.0.1',
    SNAPKEEP_PORT: String(port),
    SNAPKEEP_DATA_DIR: join(folder, 'data'),
    SNAPKEEP_LOCAL_PATH: join(folder, 'snapshots'),
    SNAPKEEP_DRAIN_SECONDS: '10',
  };
  const main = join(import.meta.dirname, '..', 'main.js');
  const args = [...process.execArgv, main];
  const logFile = join(folder, 'snapkeep.log');
  const child = startChild({ name: 'Snapkeep', command: process.execPath, args, env, logFile, patienceMs: 20_000 });
  return { ...child, url: `http://127.0.0.1:${port}` };
}

export async function untilSnapkeepIsReady(snapkeep: Snapkeep, signal: AbortSignal): Promise<void> {
  await Promise.race([untilHealthy(`${snapkeep.url}/health/ready`, 60_000, signal), snapkeep.died]);
}

/** Sends one query or mutation. The type is the shape that its own selection asks for. */
export async function ask<Data>(snapkeep: Snapkeep, query: string, variables: object, signal: AbortSignal): Promise<Data> {
  const answer = await fetch(`${snapkeep.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  const { data, errors } = await answer.json() as { data?: Data | null; errors?: readonly { message: string }[] };
  if (errors !== undefined || data === undefined || data === null) {
    throw new Error(`Snapkeep answered: ${errors?.map(({ message }) => message).join('; ') ?? `status ${answer.status}`}`);
  }
  return data;
}

export interface UserError {
  readonly code: string;
  readonly message: string;
}

/** Expected failures of a mutation come beside a null object. */
export function assertNoUserErrors(what: string, userErrors: readonly UserError[]): void {
  if (userErrors.length === 0) return;
  throw new Error(`${what} was refused: ${userErrors.map(({ code, message }) => `${code}: ${message}`).join('; ')}`);
}

/** Connects again by itself; the caller disposes of it. */
export function connect(snapkeep: Snapkeep): Client {
  return createClient({ url: `${snapkeep.url.replace('http', 'ws')}/graphql`, retryAttempts: 5, shouldRetry: () => true });
}

/** The messages of one subscription, until the loop over them is left or the connection is disposed of. */
export async function* follow<Data>(client: Client, query: string, variables: Record<string, unknown>): AsyncGenerator<Data> {
  for await (const { data, errors } of client.iterate<Data>({ query, variables })) {
    if (errors !== undefined) throw new Error(`The subscription failed: ${errors.map(({ message }) => message).join('; ')}`);
    if (data !== undefined && data !== null) yield data;
  }
}
