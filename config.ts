// The environment, read once: every variable, its default and its bounds. All faults are reported together, each naming its variable.
// Not read anywhere else.
import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { SnapkeepError } from './events/errors.js';

const seconds = (fallback: number, max: number) => z.coerce.number('must be a number of seconds').min(1).max(max).default(fallback);
const roles = ['api', 'worker', 'projector', 'scheduler'] as const;
export type Role = (typeof roles)[number];

/** `*` of a comma-separated list, without empty items. */
const list = z.string().transform((text) => text.split(',').map((item) => item.trim()).filter(Boolean));
/** Of seconds, each up to a day. */
const pauses = (fallback: string) => list.default(fallback.split(',')).transform((texts) => texts.map(Number))
  .refine((all) => all.every((pause) => pause > 0 && pause <= 86_400), `must be a list of seconds such as ${fallback}`);
const isWholeRoles = (names: readonly string[]): boolean => names.includes('all') || roles.every((role) => names.includes(role));

const environment = z.object({
  SNAPKEEP_HOST: z.string().default('127.0.0.1').refine((host) => host === 'localhost' || isIP(host) !== 0, 'must be an IP address or localhost'),
  SNAPKEEP_PORT: z.coerce.number('must be a port number').int().min(0).max(65535).default(4000),
  SNAPKEEP_DATA_DIR: z.string().default('./data').transform((path) => resolve(path)),
  SNAPKEEP_LOCAL_PATH: z.string().default('/opt/rke/etcd-snapshots').refine(isAbsolute, 'must be an absolute path'),
  SNAPKEEP_ROLES: list.default(['all'])
    .refine((names) => names.length > 0 && names.every((name) => name === 'all' || roles.includes(name as never)),
      `must be all, or a list of ${roles.join(', ')}`),
  SNAPKEEP_EVENT_STORE: storeUrl(/^esdb(\+discover)?:\/\/[^/?\s]+/, 'esdb://host:2113?tls=false'),
  SNAPKEEP_READ_STORE: storeUrl(/^mongodb(\+srv)?:\/\/[^/?\s]+/, 'mongodb://host:27017/snapkeep'),
  SNAPKEEP_VAULT: storeUrl(/^mongodb(\+srv)?:\/\/[^/?\s]+/, 'mongodb://host:27017/snapkeep'),
  SNAPKEEP_JOBS: storeUrl(/^mongodb(\+srv)?:\/\/[^/?\s]+/, 'mongodb://host:27017/snapkeep'),
  SNAPKEEP_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  SNAPKEEP_TOKEN: z.string().min(16, 'must have at least 16 characters; make one with: openssl rand -hex 32').optional(),
  SNAPKEEP_ORIGINS: list.default([]).refine((origins) => origins.every(isOrigin), 'must be a list of origins such as https://backups.example.com'),
  SNAPKEEP_MASTER_KEY: z.string().optional(),
  SNAPKEEP_MASTER_KEY_FILE: z.string().optional(),
  SNAPKEEP_NODE_NAME: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be letters, digits, dots, hyphens, underscores').optional(),
  SNAPKEEP_NODE_CLUSTER: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be the id of a cluster').optional(),
  SNAPKEEP_NODE_ENDPOINT: z.string().refine(isClientUrl, 'must be a client URL of the member, such as https://10.0.0.1:2379').optional(),
  SNAPKEEP_PARALLEL: z.coerce.number('must be a number of snapshots').int().min(1).max(64).default(2),
  SNAPKEEP_LEASE_SECONDS: seconds(30, 3600),
  SNAPKEEP_IDLE_TIMEOUT_SECONDS: seconds(60, 3600),
  SNAPKEEP_DRAIN_SECONDS: seconds(30, 3600),
  SNAPKEEP_RETRY_SECONDS: pauses('10,30,120,300'),
  SNAPKEEP_REPAIR_SECONDS: pauses('60,300,900,3600,21600,86400'),
  SNAPKEEP_STALL_SECONDS: seconds(300, 86_400),
  SNAPKEEP_SPOOL_LIMIT_GB: z.coerce.number('must be a number of gigabytes').positive('must be above 0').optional(),
});
type Environment = z.infer<typeof environment>;

/** What several variables together make impossible; the first of them is named. */
const contradictions: readonly { readonly of: readonly (keyof Environment)[]; readonly fault: (env: Environment) => string | null }[] = [
  {
    of: ['SNAPKEEP_HOST', 'SNAPKEEP_TOKEN'],
    fault: ({ SNAPKEEP_HOST: host, SNAPKEEP_TOKEN: token }) => (isLoopback(host) || token
      ? null : `is ${host}, which others can reach: set SNAPKEEP_TOKEN too, or listen on 127.0.0.1`),
  },
  {
    of: ['SNAPKEEP_MASTER_KEY', 'SNAPKEEP_MASTER_KEY_FILE'],
    fault: (env) => (env.SNAPKEEP_MASTER_KEY && env.SNAPKEEP_MASTER_KEY_FILE ? 'and SNAPKEEP_MASTER_KEY_FILE are both set; set one of them' : null),
  },
  {
    of: ['SNAPKEEP_ROLES', 'SNAPKEEP_EVENT_STORE', 'SNAPKEEP_READ_STORE'],
    fault: (env) => (isWholeRoles(env.SNAPKEEP_ROLES) || (env.SNAPKEEP_EVENT_STORE && env.SNAPKEEP_READ_STORE)
      ? null : 'must name every role: the embedded stores belong to one process; set SNAPKEEP_EVENT_STORE and SNAPKEEP_READ_STORE to share them'),
  },
  {
    of: ['SNAPKEEP_EVENT_STORE', 'SNAPKEEP_READ_STORE'],
    fault: (env) => (!env.SNAPKEEP_EVENT_STORE || env.SNAPKEEP_READ_STORE
      ? null : 'is set, and SNAPKEEP_READ_STORE is not: processes that share the log share rows, secrets and jobs too; name a MongoDB for them'),
  },
  {
    of: ['SNAPKEEP_MASTER_KEY', 'SNAPKEEP_MASTER_KEY_FILE', 'SNAPKEEP_VAULT', 'SNAPKEEP_READ_STORE'],
    fault: (env) => (!(env.SNAPKEEP_VAULT ?? env.SNAPKEEP_READ_STORE) || env.SNAPKEEP_MASTER_KEY || env.SNAPKEEP_MASTER_KEY_FILE
      ? null : 'and SNAPKEEP_MASTER_KEY_FILE are not set: a vault that is shared needs a key of its own; make one with: openssl rand -base64 32'),
  },
  ...(['SNAPKEEP_NODE_CLUSTER', 'SNAPKEEP_NODE_ENDPOINT', 'SNAPKEEP_NODE_NAME'] as const).map((name) => ({
    of: [name], fault: (env: Environment) => (env[name] === undefined && (env.SNAPKEEP_NODE_CLUSTER ?? env.SNAPKEEP_NODE_ENDPOINT) !== undefined
      ? 'is missing: an agent is told its cluster, its member\'s name and endpoint together' : null),
  })),
  {
    of: ['SNAPKEEP_NODE_NAME', 'SNAPKEEP_NODE_CLUSTER'],
    fault: (env) => (env.SNAPKEEP_NODE_NAME === 'any' && env.SNAPKEEP_NODE_CLUSTER ? 'any cannot be the name of an agent\'s node' : null),
  },
];

/** Not as `URL` has it: it may name several hosts with their ports. Never repeated in a message: it may hold a password. */
function storeUrl(beginning: RegExp, example: string) {
  return z.string().regex(beginning, `must be a URL such as ${example}`).optional();
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function isClientUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

/** The names of all variables, for docs and tests to compare with. */
export const variableNames: readonly string[] = Object.keys(environment.shape);

export interface Config {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly dataDir: string;
  readonly localPath: string;
  /** Connection strings of the stores that processes share; null: the embedded ones in the data directory. */
  readonly stores: {
    readonly events: string | null;
    readonly rows: string | null;
    readonly vault: string | null;
    readonly jobs: string | null;
  };
  readonly roles: ReadonlySet<Role>;
  readonly logLevel: string;
  readonly token: string | null;
  readonly origins: readonly string[];
  readonly masterKey: { readonly key?: string | undefined; readonly keyFile?: string | undefined };
  readonly nodeName: string | null;
  /** The etcd node that the worker serves; null: none. */
  readonly agent: { readonly clusterId: string; readonly node: string; readonly endpoint: string } | null;
  /** Snapshots that run at the same time. */
  readonly parallel: number;
  readonly leaseMs: number;
  readonly idleTimeoutMs: number;
  readonly drainMs: number;
  /** Pause before each retry of a failed read; used up means failed for good. */
  readonly retryPausesMs: readonly number[];
  /** Pause before each repair of a copy that failed; used up means that it is not tried again. */
  readonly repairPausesMs: readonly number[];
  /** How long a copy may make no progress. */
  readonly stallMs: number;
  /** Of all spools together; null: bounded by the disk alone. */
  readonly spoolLimitBytes: number | null;
}

/** What the command rotate-master-key is given: the service's configuration, and the new key in two variables that no service knows. */
export interface RotationConfig {
  readonly config: Config;
  readonly newMasterKey: Config['masterKey'];
}

/** @throws SnapkeepError CONFIG_INVALID as `readConfig` does. */
export function readRotationConfig(env: NodeJS.ProcessEnv): RotationConfig {
  const { SNAPKEEP_NEW_MASTER_KEY: key, SNAPKEEP_NEW_MASTER_KEY_FILE: keyFile, ...ofService } = env;
  return { config: readConfig(ofService), newMasterKey: { key, keyFile } };
}

/** @throws SnapkeepError CONFIG_INVALID naming every faulty variable, unknown SNAPKEEP_ names included. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name.startsWith('SNAPKEEP_') && value !== ''));
  const unknown = Object.keys(given).filter((name) => !variableNames.includes(name) && !name.startsWith('SNAPKEEP_TEST_'))
    .map((name) => `${name} is not a variable of Snapkeep; see the README's table`);
  const { data, error } = environment.safeParse(given);
  const wrong = new Map(error?.issues.map(({ path, message }) => [path.join('.'), message]));
  const faults = [...wrong].map(([name, message]) => `${name} ${message}`).concat(contradictionsIn(given, wrong), unknown);
  if (data && faults.length === 0) return configOf(data);
  throw new SnapkeepError('CONFIG_INVALID', `The configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
}

/** Among the variables that are right by themselves; of one that is wrong nothing more is said. */
function contradictionsIn(given: NodeJS.Dict<string>, wrong: ReadonlyMap<string, string>): string[] {
  const env = environment.parse(Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.has(name))));
  return contradictions.filter(({ of }) => !of.some((name) => wrong.has(name))).flatMap(({ of, fault }) => {
    const message = fault(env);
    return message === null ? [] : [`${of[0]} ${message}`];
  });
}

/** The vault and the jobs are kept where the rows are, unless said otherwise. */
function storesOf(env: Environment): Config['stores'] {
  const rows = env.SNAPKEEP_READ_STORE ?? null;
  return { events: env.SNAPKEEP_EVENT_STORE ?? null, rows, vault: env.SNAPKEEP_VAULT ?? rows, jobs: env.SNAPKEEP_JOBS ?? rows };
}

function agentOf({ SNAPKEEP_NODE_CLUSTER: clusterId, SNAPKEEP_NODE_NAME: node, SNAPKEEP_NODE_ENDPOINT: endpoint }: Environment): Config['agent'] {
  return clusterId === undefined || node === undefined || endpoint === undefined ? null : { clusterId, node, endpoint };
}

function configOf(env: Environment): Config {
  return {
    host: env.SNAPKEEP_HOST,
    port: env.SNAPKEEP_PORT,
    dataDir: env.SNAPKEEP_DATA_DIR,
    localPath: env.SNAPKEEP_LOCAL_PATH,
    stores: storesOf(env),
    roles: new Set(env.SNAPKEEP_ROLES.includes('all') ? roles : roles.filter((role) => env.SNAPKEEP_ROLES.includes(role))),
    logLevel: env.SNAPKEEP_LOG_LEVEL,
    token: env.SNAPKEEP_TOKEN ?? null,
    origins: env.SNAPKEEP_ORIGINS,
    masterKey: { key: env.SNAPKEEP_MASTER_KEY, keyFile: env.SNAPKEEP_MASTER_KEY_FILE },
    nodeName: env.SNAPKEEP_NODE_NAME ?? null,
    agent: agentOf(env),
    parallel: env.SNAPKEEP_PARALLEL,
    leaseMs: env.SNAPKEEP_LEASE_SECONDS * 1000,
    idleTimeoutMs: env.SNAPKEEP_IDLE_TIMEOUT_SECONDS * 1000,
    drainMs: env.SNAPKEEP_DRAIN_SECONDS * 1000,
    retryPausesMs: env.SNAPKEEP_RETRY_SECONDS.map((pause) => pause * 1000),
    repairPausesMs: env.SNAPKEEP_REPAIR_SECONDS.map((pause) => pause * 1000),
    stallMs: env.SNAPKEEP_STALL_SECONDS * 1000,
    spoolLimitBytes: env.SNAPKEEP_SPOOL_LIMIT_GB === undefined ? null : env.SNAPKEEP_SPOOL_LIMIT_GB * 1e9,
  };
}
