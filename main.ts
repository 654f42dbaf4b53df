// The entry: starts the roles in order, and stops them within a bound on SIGTERM or SIGINT.
// The environment is read in config.ts, adapters are chosen in ground.ts, roles are put together in roles.ts.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Logger } from 'pino';
import { readConfig } from './config.js';
import type { Config } from './config.js';
import { isSnapkeepError } from './events/errors.js';
import { now, openGround } from './ground.js';
import type { Ground } from './ground.js';
import { reportHealth } from './health.js';
import { createLog } from './log.js';
import { overtimeMs, startRoles } from './roles.js';
import { createHealthServer } from './schema/health-api.js';
import { createServer } from './schema/server.js';
import { createStopOrder } from './stop-order.js';
import type { StopOrder } from './stop-order.js';

/** The URL at which the process answers. Rejects when a part cannot start or `stopping` aborts; `atStop` knows by then what was started. */
async function startParts(config: Config, log: Logger, atStop: Ground['atStop'], stopping: AbortSignal): Promise<string> {
  const ground = await openGround(config, log, atStop, stopping);
  stopping.throwIfAborted();
  const { roles, reading } = await startRoles(ground, stopping);
  const { store, pingDatabases, testBoard } = ground;
  const testTarget = (targetId: string) => testBoard.ask(targetId);
  const health = () => reportHealth({ store, pingDatabases, roles });
  const server = reading === null
    ? createHealthServer(config, health)
    : createServer({ config, dependencies: { ...ground, ...reading, now, newId: randomUUID, health, testTarget } });
  const { url } = await server.start();
  atStop({ name: 'HTTP server', takesWork: true, stop: () => server.stop() });
  return url;
}

/** Aborts at the first SIGTERM or SIGINT; the next one ends the process at once. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => stopping.abort());
  return stopping.signal;
}

async function run(): Promise<void> {
  const stopping = stopSignal();
  const told = once(stopping, 'abort');
  const config = readConfig(process.env);
  const log = createLog(config.logLevel, { pretty: process.stdout.isTTY });
  log.info('starting');
  const order = createStopOrder((name, error) => {
    log.error({ err: error }, `the ${name} could not be stopped`);
    process.exitCode = 1;
  });
  const started = startParts(config, log, (part) => order.add(part), stopping).then((url) => log.info(`ready ${url}`));
  await Promise.race([told, started.then(() => told, () => undefined)]);
  log.info('stopping: no new work; what runs may finish');
  const bound = setTimeout(() => giveUp(log, order), config.drainMs + overtimeMs);
  const failure: unknown = await started.then(() => null, (error: unknown) => error);
  await order.stop();
  // It stays armed for what nobody waits for, such as a call that hangs in the file system.
  bound.unref();
  if (failure !== stopping.reason) await started;
  log.info('stopped');
}

/** Not process.exit(), which waits for calls that hang in the file system. */
function giveUp(log: Logger, order: StopOrder): void {
  const unended = order.unended();
  log.fatal({ unended }, 'the stop did not end in time; what was not finished is taken up at the next start');
  process.stderr.write(`Snapkeep ends by force: still busy: ${unended.join(', ') || 'calls in the file system'}\n`);
  process.kill(process.pid, 'SIGKILL');
}

function explain(error: unknown): string {
  if (isSnapkeepError(error)) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

run().catch((error: unknown) => {
  process.stderr.write(`Snapkeep ends: ${explain(error)}\n`);
  process.exitCode = 1;
});
