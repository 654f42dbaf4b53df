// A real S3 server for tests and the bench, on loopback and free ports: Docker's MinIO, else Debian's Ceph gateway where this is root.
// Prints one line of JSON, { endpoint, accessKeyId, secretAccessKey, admin } or { unavailable }, and serves until its stdin ends.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { say, SetupError } from './dependencies.mjs';

const IMAGE = 'quay.io/minio/minio:RELEASE.2025-04-22T22-12-26Z';
const PACKAGES = ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph-common'];
const SERVES_WITHIN_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'snapkeep-s3-'));
const keys = { accessKeyId: `test${randomBytes(8).toString('hex')}`, secretAccessKey: randomBytes(20).toString('hex') };
const children = [];

async function main() {
  const ended = Promise.race([once(process.stdin.resume(), 'end'), ...['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal))]);
  try {
    const started = startFirst([startDocker, startCeph]).then(tell, (error) => tell({ unavailable: error.message }));
    await Promise.race([ended, started]);
    await ended;
  } finally {
    await stopAll();
  }
}

const tell = (line) => { process.stdout.write(`${JSON.stringify(line)}\n`); };

async function startFirst(starts) {
  const failures = [];
  for (const start of starts) {
    try {
      return await start();
    } catch (error) {
      failures.push(error.message);
      await stopAll({ keepFolder: true });
    }
  }
  throw new SetupError(`no S3 server could be started here: ${failures.join('; ')}`);
}

async function startDocker() {
  const there = spawnSync('docker', ['version'], { stdio: 'ignore' }).status === 0;
  if (!there) throw new SetupError('Docker: it is not here, or its daemon does not answer');
  const port = await freePort();
  const env = { ...process.env, MINIO_ROOT_USER: keys.accessKeyId, MINIO_ROOT_PASSWORD: keys.secretAccessKey };
  const args = ['run', '--rm', '--interactive', '--publish', `127.0.0.1:${port}:9000`, '--env', 'MINIO_ROOT_USER', '--env', 'MINIO_ROOT_PASSWORD'];
  serve('docker', [...args, IMAGE, 'server', '/data'], { env });
  await untilServed(port);
  return { endpoint: `http://127.0.0.1:${port}`, ...keys, admin: null };
}

/** One monitor, one OSD that keeps everything in memory, and the gateway; without cephx, without managers. */
async function startCeph() {
  installCeph();
  const [monitor, port] = [await freePort(), await freePort()];
  const conf = ['-c', join(folder, 'ceph.conf')];
  const fsid = randomUUID();
  for (const name of ['mon', 'osd', 'rgw', 'run']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(conf[1], cephConf({ fsid, monitor, port }));
  run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', `[v1:127.0.0.1:${monitor}]`, join(folder, 'monmap')]);
  run('ceph-mon', [...conf, '-i', 'a', '--mkfs', '--monmap', join(folder, 'monmap'), '--keyring', '/dev/null']);
  serve('ceph-mon', [...conf, '-i', 'a', '-f']);
  const osd = randomUUID();
  run('ceph', [...conf, '--connect-timeout', '20', 'osd', 'new', osd, '0']);
  run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', osd, '--no-mon-config']);
  serve('ceph-osd', [...conf, '-i', '0', '-f']);
  serve('radosgw', [...conf, '-n', 'client.rgw', '-f']);
  await untilServed(port);
  const admin = ['radosgw-admin', ...conf, '-n', 'client.rgw'];
  const user = ['user', 'create', '--uid', 'test', '--display-name', 'test', '--access-key', keys.accessKeyId, '--secret-key', keys.secretAccessKey];
  run(admin[0], [...admin.slice(1), ...user]);
  return { endpoint: `http://127.0.0.1:${port}`, ...keys, admin };
}

function installCeph() {
  const present = () => ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph', 'setpriv'].every((tool) => spawnSync(tool, ['--version']).status === 0);
  if (process.getuid?.() !== 0) throw new SetupError("Debian's Ceph: this needs root, and this is another user");
  if (present()) return;
  if (spawnSync('apt-get', ['--version']).status !== 0) throw new SetupError("Debian's Ceph: there is no apt-get here");
  say(`No S3 server here: installing Debian's ${PACKAGES.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...PACKAGES]]) run('apt-get', ['-qq', ...args], { env });
  if (!present()) throw new SetupError("Debian's Ceph: what was installed does not run here");
}

/** Listings come in small pages, so that tests need few objects to see several; what is deleted gives its memory back within seconds. */
function cephConf({ fsid, monitor, port }) {
  return `[global]
fsid = ${fsid}
mon_host = v1:127.0.0.1:${monitor}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${folder}/run
admin_socket = ${folder}/run/$name.asok
crash_dir = ${folder}/run
log_file = ${folder}/$name.log
mon_cluster_log_file = ${folder}/cluster.log
log_to_stderr = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
[mon.a]
mon_data = ${folder}/mon
mon_data_avail_crit = 1
[osd.0]
osd_data = ${folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 8589934592
osd_class_load_list = *
osd_class_default_list = *
[client.rgw]
rgw_data = ${folder}/rgw
rgw_frontends = beast endpoint=127.0.0.1:${port}
rgw_thread_pool_size = 64
rgw_enable_usage_log = false
rgw_dns_name = localhost
rgw_max_listing_results = 100
rgw_gc_obj_min_wait = 1
rgw_gc_processor_period = 5
rgw_gc_processor_max_time = 5
`;
}

function run(command, args, options) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status === 0) return;
  throw new SetupError(`${command} failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
}

/** Where the system can, it ends the server even if this process is killed. */
function serve(command, args, options) {
  const bound = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0 ? ['setpriv', '--pdeathsig', 'KILL', '--'] : [];
  const [program, ...rest] = [...bound, command, ...args];
  children.push(spawn(program, rest, { stdio: ['pipe', 'ignore', 'ignore'], ...options }));
}

async function untilServed(port) {
  const givenUpAt = performance.now() + SERVES_WITHIN_MS;
  while (performance.now() < givenUpAt) {
    if (await fetch(`http://127.0.0.1:${port}/`).then(({ status }) => status < 500, () => false)) return;
    const gone = children.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null);
    if (gone) throw new SetupError(`${gone.spawnargs.join(' ')} ended by itself (${gone.exitCode ?? gone.signalCode})`);
    await pause(100);
  }
  throw new SetupError(`nothing answers on port ${port} within ${SERVES_WITHIN_MS / 1000} s`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function stopAll({ keepFolder = false } = {}) {
  for (const child of children.splice(0).reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill(child.spawnargs.includes('docker') ? 'SIGTERM' : 'SIGKILL');
    await gone;
  }
  if (!keepFolder) rmSync(folder, { recursive: true, force: true });
}

await main();
process.exit();
