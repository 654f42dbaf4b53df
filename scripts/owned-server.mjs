// What the servers for tests share: the first kind that can be had is started on loopback, told as one line of JSON, and ended with
// this process's standard input. Not the servers themselves: see s3-server.mjs and mongodb-server.mjs.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SetupError } from './dependencies.mjs';

const SERVES_WITHIN_MS = 60_000;
const children = [];

/**
 * Runs until standard input ends. Each of `starts` is given a folder of its own and gives what is told, or throws why it cannot be had;
 * where none can be had, `{ unavailable }` is told.
 */
export async function serveFirst(what, starts) {
  const folder = mkdtempSync(join(tmpdir(), 'snapkeep-server-'));
  const ended = Promise.race([once(process.stdin.resume(), 'end'), ...['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal))]);
  try {
    const started = startFirst(what, starts, folder).then(tell, (error) => tell({ unavailable: error.message }));
    await Promise.race([ended, started]);
    await ended;
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
  process.exit();
}

const tell = (line) => { process.stdout.write(`${JSON.stringify(line)}\n`); };

async function startFirst(what, starts, folder) {
  const failures = [];
  for (const start of starts) {
    try {
      return await start(mkdtempSync(join(folder, 'try-')));
    } catch (error) {
      failures.push(error.message);
      await stopAll();
    }
  }
  throw new SetupError(`no ${what} could be started here: ${failures.join('; ')}`);
}

export function needDocker() {
  if (spawnSync('docker', ['version'], { stdio: 'ignore' }).status === 0) return;
  throw new SetupError('Docker: it is not here, or its daemon does not answer');
}

/** A command that ends by itself. */
export function run(command, args, options) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status === 0) return;
  throw new SetupError(`${command} failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
}

/** A command that serves. Where the system can, it ends the server even if this process is killed. */
export function serve(command, args, options) {
  const bound = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0 ? ['setpriv', '--pdeathsig', 'KILL', '--'] : [];
  const [program, ...rest] = [...bound, command, ...args];
  const child = spawn(program, rest, { stdio: ['pipe', 'ignore', 'ignore'], ...options });
  children.push({ child, command });
}

/** `answers` is asked until it gives true. */
export async function untilServed(port, answers) {
  const givenUpAt = performance.now() + SERVES_WITHIN_MS;
  while (performance.now() < givenUpAt) {
    if (await answers()) return;
    const gone = children.find(({ child }) => hasEnded(child));
    if (gone) throw new SetupError(`${basename(gone.command)} ended by itself (${gone.child.exitCode ?? gone.child.signalCode})`);
    await pause(100);
  }
  throw new SetupError(`nothing answers on port ${port} within ${SERVES_WITHIN_MS / 1000} s`);
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const hasEnded = ({ exitCode, signalCode }) => exitCode !== null || signalCode !== null;

async function stopAll() {
  for (const { child, command } of children.splice(0).reverse()) {
    if (hasEnded(child)) continue;
    const gone = once(child, 'exit');
    child.kill(command === 'docker' ? 'SIGTERM' : 'SIGKILL');
    await gone;
  }
}
