// For tests: the snapshot file of a real etcd that was filled, changed and stopped again, and what etcdctl says of it.
// Starts `etcd` and `etcdctl` from the PATH on ports nobody uses; not for use outside tests.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface EtcdDatabase {
  /** The file as `etcdctl snapshot save` left it, trailer included. */
  readonly file: string;
  readonly folder: string;
  readonly status: { readonly revision: number; readonly totalKey: number; readonly totalSize: number };
  dispose(): Promise<void>;
}

const run = promisify(execFile);
const KEYS_A_TRANSACTION = 100;

/** `keys` keys of 100 bytes, every hundredth of 20,000, and at the end one of them deleted (none for an empty database). */
export async function etcdDatabase(keys: number): Promise<EtcdDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-database-'));
  const [client, peer] = [await freePort(), await freePort()];
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const etcd = spawn('etcd', [
    '--data-dir', join(folder, 'data'), '--unsafe-no-fsync',
    '--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl,
    '--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `default=${peerUrl}`,
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exit = once(etcd, 'exit');
  const env = { ...process.env, ETCDCTL_API: '3' };
  const etcdctl = (...args: string[]) => run('etcdctl', ['--endpoints', clientUrl, '--command-timeout', '20s', ...args], { env });
  const file = join(folder, 'snapshot.db');
  try {
    await readyLine(etcd.stderr);
    await fill(clientUrl, keys);
    if (keys > 0) await etcdctl('del', 'key-00000');
    await etcdctl('snapshot', 'save', file);
    const { stdout } = await etcdctl('snapshot', 'status', '-w', 'json', file);
    const status = JSON.parse(stdout) as EtcdDatabase['status'];
    return { file, folder, status, dispose: () => rm(folder, { recursive: true }) };
  } finally {
    etcd.kill();
    await exit;
  }
}

async function fill(url: string, keys: number): Promise<void> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  for (let from = 0; from < keys; from += KEYS_A_TRANSACTION) {
    const success = Array.from({ length: Math.min(KEYS_A_TRANSACTION, keys - from) }, (_, i) => ({
      requestPut: { key: base64(`key-${String(from + i).padStart(5, '0')}`), value: base64('x'.repeat(i === 0 ? 20_000 : 100)) },
    }));
    const answer = await fetch(`${url}/v3/kv/txn`, { method: 'POST', body: JSON.stringify({ success }) });
    if (!answer.ok) throw new Error(`etcd refused a transaction: ${await answer.text()}`);
  }
}

/** Keeps reading for as long as etcd writes: a closed pipe would end it. */
function readyLine(log: NodeJS.ReadableStream): Promise<void> {
  let seen = '';
  return new Promise((resolve, reject) => {
    log.on('data', (chunk) => {
      seen = `${seen}${chunk}`.slice(-4000);
      if (seen.includes('ready to serve client requests')) resolve();
    });
    log.on('end', () => reject(new Error(`etcd did not start: ${seen}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
