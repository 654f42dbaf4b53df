// The environment, read once: every variable, its default and its bounds. All faults are reported together, each naming its variable.
// Not read anywhere else.
import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { SnapkeepError } from './events/errors.js';

const seconds = (fallback: number, max: number) => z.coerce.number('must be a number of seconds').min(1).max(max).default(fallback);
const roles = ['api', 'worker', 'projector', 'scheduler'] as const;

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
    .refine((names) => names.every((name) => name === 'all' || roles.includes(name as never)), `must be all, or a list of ${roles.join(', ')}`)
    .refine(isWholeRoles, 'must name every role: the embedded stores belong to one process'),
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
}).superRefine((env, context) => {
  if (!isLoopback(env.SNAPKEEP_HOST) && !env.SNAPKEEP_TOKEN) {
    const message = `is ${env.SNAPKEEP_HOST}, which others can reach: set SNAPKEEP_TOKEN too, or listen on 127.0.0.1`;
    context.addIssue({ code: 'custom', path: ['SNAPKEEP_HOST'], message });
  }
  if (env.SNAPKEEP_MASTER_KEY && env.SNAPKEEP_MASTER_KEY_FILE) {
    context.addIssue({ code: 'custom', path: ['SNAPKEEP_MASTER_KEY'], message: 'and SNAPKEEP_MASTER_KEY_FILE are both set; set one of them' });
  }
});

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
  const parsed = environment.safeParse(given);
  const invalid = parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  const faults = [...invalid, ...agentFaults(given), ...unknown];
  if (!parsed.success || faults.length > 0) {
    throw new SnapkeepError('CONFIG_INVALID', `The configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
  return configOf(parsed.data);
}

const agentNames = ['SNAPKEEP_NODE_CLUSTER', 'SNAPKEEP_NODE_ENDPOINT'] as const;

/** Looked for apart from the rest, so that they are told beside any other fault. */
function agentFaults(given: Readonly<Record<string, string | undefined>>): readonly string[] {
  if (!agentNames.some((name) => given[name])) return [];
  const missing = [...agentNames, 'SNAPKEEP_NODE_NAME'].filter((name) => !given[name]);
  const faults = missing.map((name) => `${name} is missing: an agent is told its cluster, its member\'s name and endpoint together`);
  return given['SNAPKEEP_NODE_NAME'] === 'any' ? [...faults, 'SNAPKEEP_NODE_NAME any cannot be the name of an agent\'s node'] : faults;
}

function agentOf(env: z.infer<typeof environment>): Config['agent'] {
  const { SNAPKEEP_NODE_CLUSTER: clusterId, SNAPKEEP_NODE_NAME: node, SNAPKEEP_NODE_ENDPOINT: endpoint } = env;
  return clusterId === undefined || node === undefined || endpoint === undefined ? null : { clusterId, node, endpoint };
}

function configOf(env: z.infer<typeof environment>): Config {
  return {
    host: env.SNAPKEEP_HOST,
    port: env.SNAPKEEP_PORT,
    dataDir: env.SNAPKEEP_DATA_DIR,
    localPath: env.SNAPKEEP_LOCAL_PATH,
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
