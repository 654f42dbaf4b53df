// A real S3 server for tests and the bench, on loopback and free ports: Docker's MinIO, else Debian's Ceph gateway where this is root.
// Prints one line of JSON, { endpoint, accessKeyId, secretAccessKey, admin, kind } or { unavailable }, and serves until its stdin ends.
import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say, SetupError } from './dependencies.mjs';
import { freePort, needDocker, run, serve, serveFirst, untilServed } from './owned-server.mjs';

const IMAGE = 'quay.io/minio/minio:RELEASE.2025-04-22T22-12-26Z';
const PACKAGES = ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph-common'];

const keys = { accessKeyId: `test${randomBytes(8).toString('hex')}`, secretAccessKey: randomBytes(20).toString('hex') };

async function startDocker() {
  needDocker();
  const port = await freePort();
  const env = { ...process.env, MINIO_ROOT_USER: keys.accessKeyId, MINIO_ROOT_PASSWORD: keys.secretAccessKey };
  const args = ['run', '--rm', '--interactive', '--publish', `127.0.0.1:${port}:9000`, '--env', 'MINIO_ROOT_USER', '--env', 'MINIO_ROOT_PASSWORD'];
  serve('docker', [...args, IMAGE, 'server', '/data'], { env });
  await untilServed(port, () => answers(port));
  return { endpoint: `http://127.0.0.1:${port}`, ...keys, admin: null, kind: 'MinIO' };
}

/** One monitor, one OSD that keeps everything in memory, and the gateway; without cephx, without managers. */
async function startCeph(folder) {
  installCeph();
  const [monitor, port] = [await freePort(), await freePort()];
  const conf = ['-c', join(folder, 'ceph.conf')];
  const fsid = randomUUID();
  for (const name of ['mon', 'osd', 'rgw', 'run']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(conf[1], cephConf({ folder, fsid, monitor, port }));
  run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', `[v1:127.0.0.1:${monitor}]`, join(folder, 'monmap')]);
  run('ceph-mon', [...conf, '-i', 'a', '--mkfs', '--monmap', join(folder, 'monmap'), '--keyring', '/dev/null']);
  serve('ceph-mon', [...conf, '-i', 'a', '-f']);
  const osd = randomUUID();
  run('ceph', [...conf, '--connect-timeout', '20', 'osd', 'new', osd, '0']);
  run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', osd, '--no-mon-config']);
  serve('ceph-osd', [...conf, '-i', '0', '-f']);
  serve('radosgw', [...conf, '-n', 'client.rgw', '-f']);
  await untilServed(port, () => answers(port));
  const admin = ['radosgw-admin', ...conf, '-n', 'client.rgw'];
  const user = ['user', 'create', '--uid', 'test', '--display-name', 'test', '--access-key', keys.accessKeyId, '--secret-key', keys.secretAccessKey];
  run(admin[0], [...admin.slice(1), ...user]);
  return { endpoint: `http://127.0.0.1:${port}`, ...keys, admin, kind: 'Ceph gateway' };
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
function cephConf({ folder, fsid, monitor, port }) {
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

const answers = (port) => fetch(`http://127.0.0.1:${port}/`).then(({ status }) => status < 500, () => false);

// Once more, since a port that was free may be taken before it is used.
await serveFirst('S3 server', [startDocker, startCeph, startCeph]);
