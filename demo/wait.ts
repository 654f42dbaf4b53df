// Waiting for a server of the demo: asks again until it answers well, within a bound.
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const BETWEEN_MS = 100;

/** Resolves when `url` answers with a 2xx status; rejects with its last answer when `boundMs` have passed. */
export async function untilHealthy(url: string, boundMs: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + boundMs;
  let last = 'no answer';
  while (performance.now() < end) {
    signal.throwIfAborted();
    try {
      const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]) });
      const body = await answer.text();
      if (answer.ok) return;
      last = `status ${answer.status}: ${body.slice(0, 300)}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await pause(BETWEEN_MS, undefined, { signal });
  }
  throw new Error(`${url} was not ready within ${boundMs / 1000} s (${last})`);
}

/** The promise's outcome, or a rejection with `message` when it has none within `boundMs`. */
export async function within<Value>(boundMs: number, message: string, promise: Promise<Value>): Promise<Value> {
  const over = new AbortController();
  const late = pause(boundMs, undefined, { signal: over.signal }).then(() => { throw new Error(message); });
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}

/** The wanted port of 127.0.0.1 if it is free, else any free one. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  const port = await new Promise<number | undefined>((resolve) => {
    server.once('error', () => { resolve(undefined); });
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : undefined);
    });
  });
  if (port === undefined) {
    if (wanted === 0) throw new Error('No free port on 127.0.0.1: close a program that listens there');
    return freePort();
  }
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}
