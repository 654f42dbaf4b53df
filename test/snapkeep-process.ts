// A real Snapkeep for tests: dist/main.js as a child process, with a data directory and local path of its own.
// Builds nothing (npm test does, before the tests) and knows nothing of what the tests ask.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { untilTrue } from './eventual-fact.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** Of an API, or of a process that answers for its health alone. */
const readyLine = /ready (http:\/\/[^\s"]+\/(?:graphql|health\/ready))/;
const stillStartingMs = 45_000;

export interface Answer<T> {
  readonly data?: T | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}
export type Variables = Readonly<Record<string, unknown>>;

export interface Snapkeep {
  readonly dataDir: string;
  readonly localPath: string;
  /** Of the running process, as is the URL; a restart may change both. */
  pid(): number;
  url(): string;
  /** Everything that all processes of this Snapkeep have written to stdout and stderr. */
  log(): string;
  /** The data; rejects where the answer has errors. */
  graphql<T>(query: string, variables?: Variables): Promise<T>;
  /** The answer as it came over HTTP. */
  post<T>(query: string, variables?: Variables): Promise<Answer<T>>;
  /** The messages' data, over a WebSocket of its own; leaving the loop ends it. */
  subscribe<T>(query: string, variables?: Variables): AsyncIterableIterator<T>;
  /** False as soon as the process was told to end, or has ended by itself. */
  isRunning(): boolean;
  /** Resolves when the process is gone. */
  kill9(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Starts again on the same data; resolves when it is ready. */
  start(options?: StartOptions): Promise<void>;
  /** Ends the process, if there is one, and removes its folders. */
  dispose(): Promise<void>;
}

export interface StartOptions {
  /** False: it is enough that the process runs. */
  readonly ready?: boolean;
  /** How long it may take to become ready. */
  readonly withinMs?: number;
}

/** `env` over settings that make things happen soon. Resolves when it is ready, unless told otherwise. */
export async function startSnapkeep(env: Readonly<Record<string, string>> = {}, options: StartOptions = {}): Promise<Snapkeep> {
  if (!existsSync(main)) throw new Error('dist/main.js is not there: run the tests by "npm test", which builds first, or "npm run build"');
  const folder = await mkdtemp(join(tmpdir(), 'snapkeep-test-'));
  const dataDir = join(folder, 'data');
  const localPath = join(folder, 'snapshots');
  await mkdir(localPath);
  const snapkeep = snapkeepOn({ dataDir, localPath, env, dispose: () => rm(folder, { recursive: true, force: true }) });
  try {
    await snapkeep.start(options);
  } catch (error) {
    await snapkeep.dispose();
    throw error;
  }
  return snapkeep;
}

interface Place {
  readonly dataDir: string;
  readonly localPath: string;
  readonly env: Readonly<Record<string, string>>;
  readonly dispose: () => Promise<void>;
}

interface Run {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  readonly output: string[];
}

function snapkeepOn(place: Place): Snapkeep {
  const runs: Run[] = [];
  let address = '';
  const latest = (): Run | undefined => runs.at(-1);
  const token = place.env['SNAPKEEP_TOKEN'];
  const authorization = token === undefined ? undefined : `Bearer ${token}`;

  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const run = latest();
    run?.child.kill(signal);
    return run ? run.exit : null;
  };
  const post = async <T>(query: string, variables: Variables = {}): Promise<Answer<T>> => {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      body: JSON.stringify({ query, variables }),
    });
    return await response.json() as Answer<T>;
  };

  return {
    dataDir: place.dataDir,
    localPath: place.localPath,
    pid: () => latest()?.child.pid ?? Number.NaN,
    url: () => address,
    isRunning: () => latest()?.child.killed === false && !hasEnded(latest()),
    log: () => runs.flatMap(({ output }) => output).join(''),
    post,
    async graphql<T>(query: string, variables?: Variables): Promise<T> {
      const answer = await post<T>(query, variables);
      if (answer.errors || !answer.data) throw new Error(`the answer has errors: ${JSON.stringify(answer)}`);
      return answer.data;
    },
    async *subscribe<T>(query: string, variables: Variables = {}): AsyncIterableIterator<T> {
      const client = createClient({
        url: address.replace(/^http/, 'ws'), webSocketImpl: WebSocket, retryAttempts: 0,
        connectionParams: authorization === undefined ? {} : { authorization },
      });
      try {
        for await (const { data, errors } of client.iterate<T>({ query, variables })) {
          if (errors || !data) throw new Error(`the message has errors: ${JSON.stringify(errors)}`);
          yield data;
        }
      } finally {
        await client.dispose();
      }
    },
    async kill9() {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    async start({ ready = true, withinMs = stillStartingMs } = {}) {
      const run = runSnapkeep(place);
      runs.push(run);
      if (ready) address = await readyAddress(run, withinMs);
    },
    async dispose() {
      await end('SIGKILL');
      await place.dispose();
    },
  };
}

function runSnapkeep({ dataDir, localPath, env }: Place): Run {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SNAPKEEP_') && name !== 'NODE_OPTIONS');
  const settings = {
    SNAPKEEP_PORT: '0', SNAPKEEP_DATA_DIR: dataDir, SNAPKEEP_LOCAL_PATH: localPath,
    SNAPKEEP_LEASE_SECONDS: '2', SNAPKEEP_RETRY_SECONDS: '1,1,2', SNAPKEEP_IDLE_TIMEOUT_SECONDS: '2', SNAPKEEP_DRAIN_SECONDS: '5',
  };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1', '--enable-source-maps', main], {
    env: { ...Object.fromEntries(inherited), ...settings, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const exit = Promise.withResolvers<number | null>();
  child.once('error', exit.reject);
  child.once('close', (code) => exit.resolve(code));
  return { child, exit: exit.promise, output };
}

function hasEnded(run: Run | undefined): boolean {
  return !run || run.child.exitCode !== null || run.child.signalCode !== null;
}

async function readyAddress(run: Run, withinMs: number): Promise<string> {
  const said = (): string => run.output.join('');
  let health = 'none';
  await untilTrue('Snapkeep is ready', async () => {
    if (hasEnded(run)) throw new Error('it ended before it was ready');
    const address = readyLine.exec(said())?.[1];
    if (address === undefined) return false;
    const answer = await fetch(new URL('/health/ready', address));
    health = await answer.text();
    return answer.ok;
  }, { withinMs }).catch((cause: unknown) => {
    throw new Error(`Snapkeep did not become ready; its health: ${health}; it said:\n${said()}`, { cause });
  });
  const address = readyLine.exec(said())?.[1];
  if (address === undefined) throw new Error('unreachable: it was ready');
  return address;
}
