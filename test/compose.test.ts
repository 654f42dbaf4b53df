// docker-compose.yml, Dockerfile and what they run, without Docker: what the file says is of the shape that Compose knows, safe, and known to
// Snapkeep; health checks of Snapkeep and etcd, and preparation, are run for real. That the servers' images start with it is not shown here.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { readConfig, variableNames } from '../config.js';
import { eventStoreDbFault } from '../events/server-connection.eventstoredb.js';
import { startEtcd } from './etcd-process.js';
import { startSnapkeep } from './snapkeep-process.js';

const path = (name: string): string => new URL(`../${name}`, import.meta.url).pathname;
const text = (name: string): string => readFileSync(path(name), 'utf8');
const packageJson = z.object({ version: z.string(), devDependencies: z.object({ node: z.string() }) }).parse(JSON.parse(text('package.json')));
const linesOf = (name: string): string[] => text(name).split('\n').map((line) => line.trim());

/** What of the Compose specification the file uses; anything else is a slip of the pen. */
const healthcheck = z.strictObject({
  test: z.tuple([z.enum(['CMD', 'CMD-SHELL'])], z.string()), interval: z.string(), timeout: z.string(), retries: z.int(), start_period: z.string().optional(),
});
const service = z.strictObject({
  image: z.string(), build: z.string().optional(), user: z.string(), init: z.boolean().optional(), restart: z.literal('unless-stopped').optional(),
  read_only: z.literal(true), cap_drop: z.tuple([z.literal('ALL')]), cap_add: z.array(z.string()).optional(),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]), network_mode: z.literal('none').optional(), networks: z.array(z.string()).optional(),
  tmpfs: z.array(z.string()).optional(), stop_grace_period: z.string().regex(/^\d+s$/).optional(),
  entrypoint: z.array(z.string()).optional(), command: z.array(z.string()).optional(),
  env_file: z.array(z.string()).optional(), environment: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string()).optional(), volumes: z.array(z.string()).optional(), healthcheck: healthcheck.optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) })).optional(),
});
type Service = z.infer<typeof service>;
const composeFile = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.strictObject({ internal: z.boolean().optional() })),
  volumes: z.record(z.string(), z.strictObject({})),
});

const { safeLoad } = createRequire(import.meta.url)('js-yaml') as { readonly safeLoad: (yaml: string) => Record<string, unknown> };
const written = Object.entries(safeLoad(text('docker-compose.yml'))).filter(([name]) => !name.startsWith('x-'));
const compose = composeFile.parse(Object.fromEntries(written));
const services = Object.entries(compose.services);
const servers = services.filter(([, { restart }]) => restart !== undefined);
const snapkeeps = services.filter(([, { image }]) => image.startsWith('snapkeep:'));

interface Ended { readonly code: number; readonly output: string }
function run(program: string, args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  execFile(program, args, options, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }));
  return promise;
}

let folder: string;
let secrets: Readonly<Record<string, NodeJS.Dict<string>>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'snapkeep-compose-'));
  // The first step that the walk-through asks for, as it is written there.
  const [, step = ''] = /```sh secrets\n(.*?)```/s.exec(text('docs/operations.md')) ?? [];
  expect(await run('sh', ['-euc', step], { cwd: folder })).toEqual({ code: 0, output: '' });
  secrets = Object.fromEntries(readdirSync(join(folder, 'secrets')).map((name) => [`secrets/${name}`, parseEnv(readFileSync(join(folder, 'secrets', name), 'utf8'))]));
});
afterAll(() => rmSync(folder, { recursive: true }));

const environmentOf = ({ environment, env_file: files = [] }: Service): NodeJS.ProcessEnv => (
  Object.assign({}, ...files.map((file) => secrets[file]), environment) as NodeJS.ProcessEnv
);

describe('docker-compose.yml', () => {
  test('has each role as often as it should be there, and only known variables', () => {
    const rolesOf = snapkeeps.map(([, { environment }]) => environment?.['SNAPKEEP_ROLES']).sort();
    expect(rolesOf).toEqual(['api', 'api', 'projector', 'scheduler', 'worker', 'worker']);
    const variables = services.flatMap(([, { environment = {} }]) => Object.keys(environment)).filter((name) => name.startsWith('SNAPKEEP_'));
    expect(variables.filter((name) => !variableNames.includes(name))).toEqual([]);
  });

  test.each(snapkeeps)('%s starts with its environment, on the stores that all share', (name, definition) => {
    const config = readConfig(environmentOf(definition));
    expect([...config.roles]).toEqual([name.replace(/-\d$/, '')]);
    expect(eventStoreDbFault(config.stores.events ?? '')).toBeNull();
    expect(config.stores).toEqual(readConfig(environmentOf(compose.services['api-1'] ?? definition)).stores);
    expect(definition.volumes).toEqual([`${name}-data:${config.dataDir}`]);
    expect(config.localPath.startsWith(`${config.dataDir}/`)).toBe(true);
    expect(Number.parseInt(definition.stop_grace_period ?? '', 10) * 1000).toBeGreaterThan(config.drainMs + 10_000);
    expect(definition.init).toBe(true);
  });

  test('the key is one for all and the token for the API alone', () => {
    expect(new Set(snapkeeps.map(([, each]) => environmentOf(each)['SNAPKEEP_MASTER_KEY'])).size).toBe(1);
    expect(snapkeeps.filter(([, each]) => environmentOf(each)['SNAPKEEP_TOKEN'] !== undefined).map(([name]) => name)).toEqual(['api-1', 'api-2']);
  });

  test.each(services)('%s is pinned to a version, and is root only where it has no network', (_, { image, user, network_mode: network, cap_add: added }) => {
    expect(image).toMatch(/:(v?\d+\.\d+\.\d+(-[a-z-]+)?|RELEASE\.[\dTZ-]+)$/);
    expect(user).toMatch(/^\d+:\d+$/);
    const isRoot = user.startsWith('0:');
    expect([network, added]).toEqual(isRoot ? ['none', ['CHOWN']] : [undefined, undefined]);
  });

  test.each(servers)('%s has a health check, time to stop, and a volume', (_, { healthcheck: check, stop_grace_period: grace = '', volumes = [] }) => {
    expect(check).toBeDefined();
    expect(Number.parseInt(grace, 10)).toBeGreaterThanOrEqual(10);
    expect(volumes.length).toBeGreaterThan(0);
  });

  test('what is waited for says when it is there, and what is named is declared', () => {
    for (const [, { depends_on: awaited = {}, volumes = [], networks = [] }] of services) {
      for (const [name, { condition }] of Object.entries(awaited)) {
        expect([name, compose.services[name]?.healthcheck !== undefined]).toEqual([name, condition === 'service_healthy']);
      }
      expect(volumes.map((volume) => volume.split(':')[0] ?? '').filter((name) => !name.startsWith('./') && !(name in compose.volumes))).toEqual([]);
      expect(networks.filter((name) => !(name in compose.networks))).toEqual([]);
    }
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    expect(Object.keys(compose.volumes).filter((name) => !used.includes(name))).toEqual([]);
    expect(new Set(services.flatMap(([, { env_file: files = [] }]) => files))).toEqual(new Set(Object.keys(secrets)));
  });

  test('nothing is published but on this machine, and only the API is', () => {
    const published = services.filter(([, { ports }]) => ports !== undefined);
    expect(published.map(([name]) => name)).toEqual(['api-1', 'api-2']);
    expect(published.flatMap(([, { ports = [] }]) => ports).filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });
});

test('what docs/operations.md names exists', () => {
  const page = text('docs/operations.md');
  const named = [...page.matchAll(/SNAPKEEP_[A-Z_]+/g)].map(([name]) => name);
  const known = [...variableNames, 'SNAPKEEP_NEW_MASTER_KEY', 'SNAPKEEP_NEW_MASTER_KEY_FILE'];
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
  const linked = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, file = '']) => join(path('docs'), file));
  expect(linked.filter((file) => !existsSync(file))).toEqual([]);
  expect([...page.matchAll(/npm run ([a-z-]+)/g)].map(([, name]) => name)).toEqual(['rotate-master-key', 'log-copy']);
  for (const name of ['rotate-master-key', 'log-copy']) expect(text('package.json')).toContain(`"${name}": "exec node scripts/run.mjs ${name}"`);
});

test('the secrets that the walk-through makes are readable by their owner alone', () => {
  const modes = Object.keys(secrets).map((file) => statSync(join(folder, file)).mode & 0o777);
  expect([...modes, statSync(join(folder, 'secrets')).mode & 0o777]).toEqual([0o600, 0o600, 0o600, 0o700]);
});

const own = `${process.getuid?.()}:${process.getgid?.()}`;
const prepare = (certificates: string): Promise<Ended> => run('sh', [path('scripts/compose-volumes.sh'), certificates, own, folder]);

test('the preparation of volumes makes certificates once, each for its member', async () => {
  const certificates = mkdtempSync(join(folder, 'certificates-'));
  expect(await prepare(certificates)).toEqual({ code: 0, output: '' });
  const first = readFileSync(join(certificates, 'etcd-1.crt'), 'utf8');
  expect(await prepare(certificates)).toEqual({ code: 0, output: '' });
  expect(readFileSync(join(certificates, 'etcd-1.crt'), 'utf8')).toBe(first);
  for (const member of ['etcd-1', 'etcd-2', 'etcd-3']) {
    const verified = await run('openssl', ['verify', '-CAfile', 'ca.crt', '-verify_hostname', member, '-purpose', 'sslserver', `${member}.crt`], { cwd: certificates });
    expect(verified).toEqual({ code: 0, output: `${member}.crt: OK\n` });
  }
  expect(await run('openssl', ['verify', '-CAfile', 'ca.crt', '-purpose', 'sslclient', 'client.crt'], { cwd: certificates })).toMatchObject({ code: 0 });
  expect(readdirSync(certificates).filter((name) => name.endsWith('.key') && (statSync(join(certificates, name)).mode & 0o077) !== 0)).toEqual([]);
});

test("etcd's health check passes with the certificates that were prepared, and no more once etcd is gone", async () => {
  const certificates = mkdtempSync(join(folder, 'certificates-'));
  expect(await prepare(certificates)).toEqual({ code: 0, output: '' });
  const [ca, server, client] = ['ca', 'etcd-1', 'client'].map((name) => ({ certificate: join(certificates, `${name}.crt`), key: join(certificates, `${name}.key`) }));
  if (!ca || !server || !client) throw new Error('unreachable: three were named');
  const etcd = await startEtcd({ tls: { files: { ca: ca.certificate, server, client }, ca: '', clientCertificate: '', clientKey: '' } });
  const asked = (compose.services['etcd-1']?.healthcheck?.test ?? []).slice(1);
  const [program = '', ...args] = asked.map((word) => word.replace('/certificates/', `${certificates}/`).replace('https://127.0.0.1:2379', etcd.endpoint));
  try {
    expect(await run(program, args)).toEqual({ code: 0, output: expect.stringContaining(`${etcd.endpoint} is healthy`) });
  } finally {
    await etcd.stop();
  }
  expect(await run(program, args)).toEqual({ code: 1, output: expect.stringContaining('is unhealthy') });
});

describe('the health check', () => {
  const checks = snapkeeps.map(([, { healthcheck: check }]) => check?.test ?? []);
  const asked = (what: string, env: NodeJS.ProcessEnv): Promise<Ended> => run(process.execPath, [path('scripts/health-check.mjs'), what], { env });

  test('is the same for every role, and its script is in the image', () => {
    expect(new Set(checks.map((check) => check.join(' ')))).toEqual(new Set(['CMD node scripts/health-check.mjs ready']));
    expect(linesOf('Dockerfile')).toContain('COPY scripts/health-check.mjs scripts/');
  });

  test('says that a running Snapkeep is live and ready, under any address it listens on, and that a dead one is not', async () => {
    const snapkeep = await startSnapkeep({ SNAPKEEP_HOST: '0.0.0.0', SNAPKEEP_TOKEN: 'a-token-of-16-characters' });
    const env = { SNAPKEEP_HOST: '0.0.0.0', SNAPKEEP_PORT: new URL(snapkeep.url()).port };
    try {
      for (const what of ['live', 'ready']) expect(await asked(what, env)).toMatchObject({ code: 0, output: expect.stringContaining('"live":true') });
    } finally {
      await snapkeep.stop();
      await snapkeep.dispose();
    }
    expect(await asked('live', env)).toEqual({ code: 1, output: expect.stringMatching(/^no answer: .*ECONNREFUSED/) });
  });

  test('takes a refusal for what it is, and waits no longer than Compose does', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\nwaiting'));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const env = { SNAPKEEP_PORT: String(typeof address === 'object' ? address?.port : '') };
    expect(await asked('ready', env)).toEqual({ code: 1, output: 'waiting\n' });
    server.close();
    expect(text('scripts/health-check.mjs')).toContain('AbortSignal.timeout(4000)');
    expect(snapkeeps.map(([, { healthcheck: check }]) => check?.timeout)).toEqual(snapkeeps.map(() => '5s'));
  });
});

describe('the image', () => {
  const dockerfile = linesOf('Dockerfile');
  const commandOf = (instruction: string): string[] => {
    const line = dockerfile.findLast((each) => each.includes(`${instruction} [`)) ?? '';
    return z.array(z.string()).parse(JSON.parse(line.slice(line.lastIndexOf('['))));
  };

  test('starts node itself with what is built, lean as npm start does', async () => {
    const [program, ...args] = commandOf('CMD');
    expect(program).toBe('node');
    for (const option of ['--max-semi-space-size=1', '--enable-source-maps', 'dist/main.js']) expect(args).toContain(option);
    expect(text('scripts/run.mjs')).toContain("'--max-semi-space-size=1'");
    // A faulty variable ends it before it does anything: so it was found, and ran.
    const { code, output } = await run(process.execPath, args, { cwd: path(''), env: { SNAPKEEP_PORT: 'x' } });
    expect([code, output]).toEqual([1, expect.stringContaining('SNAPKEEP_PORT must be a port number')]);
  });

  test('is stopped as Snapkeep expects, belongs to nobody, and has the Node that is tested', () => {
    expect(dockerfile).toEqual(expect.arrayContaining(['STOPSIGNAL SIGTERM', 'USER 10001:10001', `ARG NODE=node:${packageJson.devDependencies.node}-bookworm-slim`]));
    expect(snapkeeps.map(([, { image, user }]) => [image, user])).toEqual(snapkeeps.map(() => [`snapkeep:${packageJson.version}`, '10001:10001']));
  });

  test('has neither secrets nor what this machine installed', () => {
    const ignored = linesOf('.dockerignore');
    expect(ignored).toEqual(expect.arrayContaining(['.git', 'node_modules', 'dist', 'data', 'secrets', '**/*.key', '**/*.pem', '**/*.env']));
    expect(ignored.filter((line) => line.startsWith('!'))).toEqual([]);
    expect(linesOf('.gitignore')).toContain('secrets/');
    expect(dockerfile.filter((line) => line.startsWith('COPY') && line.includes('node_modules'))).toEqual(['COPY --from=dependencies /app/node_modules node_modules']);
    expect(dockerfile.filter((line) => line.includes('npm ci'))).toEqual([expect.not.stringContaining('--omit=dev'), expect.stringContaining('--omit=dev')]);
  });
});
