// Real etcd for tests: one member or several, on free ports, in a folder of its own, healthy when it is handed out.
// Filling it with keys is in etcd-keys.ts; nothing outlives the test process but by SIGKILL of it.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EtcdConnection } from '../services/etcd/etcd.js';
import type { TlsCertificates } from './tls-certificates.js';

export interface EtcdOptions {
  /** Path or name of the program; `etcd` on PATH by default. */
  readonly binary?: string;
  /** How many members; one by default. */
  readonly members?: number;
  /** https, and client certificates are demanded. */
  readonly tls?: TlsCertificates;
  readonly args?: readonly string[];
}

export interface EtcdMemberProcess {
  readonly name: string;
  readonly endpoint: string;
  readonly pid: () => number;
  /** Resolves when the process has gone; SIGKILL by default. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
  /** SIGSTOP and SIGCONT: a member that is there and does not answer. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** On the same ports and data, resolving when it serves clients. */
  readonly start: () => Promise<void>;
}

export interface TestEtcd {
  readonly members: readonly EtcdMemberProcess[];
  /** The first member's. */
  readonly endpoint: string;
  readonly connection: EtcdConnection;
  /** A further member, started empty; its name must be new. */
  readonly add: (name: string) => Promise<EtcdMemberProcess>;
  /** The output of `etcdctl` on the endpoints of the members that the cluster began with. */
  readonly ctl: (...args: string[]) => Promise<string>;
  /** Ends every member and removes every file; may be called twice. */
  readonly stop: () => Promise<void>;
}

type EtcdChild = ChildProcessByStdio<null, null, Readable>;

const SERVES_WITHIN_MS = 30_000;

export async function startEtcd(options: EtcdOptions = {}): Promise<TestEtcd> {
  const dir = mkdtempSync(join(tmpdir(), 'snapkeep-etcd-'));
  const names = Array.from({ length: options.members ?? 1 }, (_, index) => `node-${String(index + 1)}`);
  const plans = planMembers(dir, options, await Promise.all(names.map((name) => newPlace(name, options))));
  const members = plans.map((plan) => memberProcess(plan));
  const all = [...members];
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((member) => member.kill()));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const endpoints = members.map((member) => member.endpoint);
  const { tls } = options;
  const ctl = (...args: string[]): Promise<string> => etcdctl(['--endpoints', endpoints.join(','), ...tlsFlags(tls), ...args]);
  const add = async (name: string): Promise<EtcdMemberProcess> => {
    const place = await newPlace(name, options);
    const told = await ctl('member', 'add', name, `--peer-urls=${place.peer}`);
    const cluster = /ETCD_INITIAL_CLUSTER="(.*)"/.exec(told)?.[1] ?? '';
    const [plan] = planMembers(dir, options, [place], { cluster, state: 'existing' });
    if (!plan) throw new Error('no member was planned');
    const member = memberProcess(plan);
    all.push(member);
    await member.start();
    return member;
  };
  return {
    members,
    add,
    endpoint: endpoints[0] ?? '',
    connection: connectionTo(endpoints, tls),
    ctl,
    stop,
  };
}

function connectionTo(endpoints: readonly string[], tls: TlsCertificates | undefined): EtcdConnection {
  const { ca, clientCertificate, clientKey } = tls ?? { ca: null, clientCertificate: null, clientKey: null };
  return { endpoints, ca, clientCertificate, clientKey, username: null, password: null };
}

/** Port 0 tells which port is free; nobody else is given it for a while. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('The system gave no free port');
  return address.port;
}

interface MemberPlan {
  readonly name: string;
  readonly binary: string;
  readonly endpoint: string;
  readonly args: readonly string[];
}

interface MemberPlace {
  readonly name: string;
  readonly endpoint: string;
  readonly peer: string;
}

async function newPlace(name: string, { tls }: EtcdOptions): Promise<MemberPlace> {
  return {
    name,
    endpoint: `${tls ? 'https' : 'http'}://127.0.0.1:${String(await freePort())}`,
    peer: `http://127.0.0.1:${String(await freePort())}`,
  };
}

/** By default members of a new cluster. */
function planMembers(
  dir: string, options: EtcdOptions, places: readonly MemberPlace[],
  { cluster, state } = { cluster: places.map(({ name, peer }) => `${name}=${peer}`).join(','), state: 'new' },
): MemberPlan[] {
  return places.map(({ name, endpoint, peer }) => ({
    name,
    endpoint,
    binary: options.binary ?? 'etcd',
    args: [
      '--name', name, '--data-dir', join(dir, name), '--quota-backend-bytes', String(8 * 2 ** 30),
      '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint,
      '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster, '--initial-cluster-state', state,
      ...serverTlsFlags(options.tls), ...options.args ?? [],
    ],
  }));
}

function serverTlsFlags(tls: TlsCertificates | undefined): string[] {
  if (!tls) return [];
  const { ca, server } = tls.files;
  return ['--client-cert-auth', '--trusted-ca-file', ca, '--cert-file', server.certificate, '--key-file', server.key];
}

function tlsFlags(tls: TlsCertificates | undefined): string[] {
  if (!tls) return [];
  return ['--cacert', tls.files.ca, '--cert', tls.files.client.certificate, '--key', tls.files.client.key];
}

function memberProcess(plan: MemberPlan): EtcdMemberProcess {
  let child: EtcdChild | null = null;
  const killNow = (): void => { child?.kill('SIGKILL'); };

  const pid = (): number => {
    if (child?.pid === undefined) throw new Error(`etcd ${plan.name} is not running`);
    return child.pid;
  };
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const running = child;
    child = null;
    process.removeListener('exit', killNow);
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill(signal);
    await exited;
  };
  const start = async (): Promise<void> => {
    const started = spawn(plan.binary, plan.args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    process.once('exit', killNow);
    await servesClients(plan.name, started);
  };
  return {
    name: plan.name,
    endpoint: plan.endpoint,
    pid,
    kill,
    freeze: () => { process.kill(pid(), 'SIGSTOP'); },
    thaw: () => { process.kill(pid(), 'SIGCONT'); },
    start,
  };
}

/** etcd says so once it has joined its cluster, which has a leader then, and after its listeners are open. */
async function servesClients(name: string, child: EtcdChild): Promise<void> {
  const ready = Promise.withResolvers<undefined>();
  let log = '';
  const fail = (why: string): void => { ready.reject(new Error(`etcd ${name} ${why}:\n${log.slice(-2_000)}`)); };
  const tooLate = setTimeout(fail, SERVES_WITHIN_MS, `does not serve clients after ${String(SERVES_WITHIN_MS)} ms`);
  child.once('error', (error) => { fail(`cannot be started (${error.message})`); });
  child.once('exit', (code, signal) => { fail(`ended (${String(code ?? signal)})`); });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-8_000);
    if (log.includes('ready to serve client requests')) ready.resolve(undefined);
  });
  try {
    await ready.promise;
  } finally {
    clearTimeout(tooLate);
  }
}

async function etcdctl(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('etcdctl', args, { env: { ...process.env, ETCDCTL_API: '3' }, maxBuffer: 2 ** 28 });
  return stdout;
}
