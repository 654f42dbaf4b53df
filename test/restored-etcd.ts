// What a stored snapshot is worth: etcdctl's opinion of the file, and the keys of a new etcd restored from it.
// Uses etcdctl only; nothing of Snapkeep's.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEtcd } from './etcd-process.js';

export interface FileStatus { readonly revision: number; readonly totalKey: number; readonly totalSize: number }

async function etcdctl(...args: string[]): Promise<string> {
  return (await promisify(execFile)('etcdctl', args, { env: { ...process.env, ETCDCTL_API: '3' } })).stdout;
}

export async function snapshotStatus(file: string): Promise<FileStatus> {
  return JSON.parse(await etcdctl('snapshot', 'status', '-w', 'json', file)) as FileStatus;
}

/** What `ctl` says of every key: names, values and revisions. */
export async function allKeys(ctl: (...args: string[]) => Promise<string>, ...flags: string[]): Promise<readonly unknown[]> {
  const { kvs } = JSON.parse(await ctl(...flags, 'get', '', '--prefix', '-w', 'json')) as { kvs?: readonly unknown[] };
  return kvs ?? [];
}

/** All keys of a new etcd that was restored from the file by `etcdctl snapshot restore`; `flags` as for `allKeys`. */
export async function restoredKeys(file: string, ...flags: string[]): Promise<readonly unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), 'snapkeep-restored-'));
  const data = join(folder, 'data');
  const peer = 'http://127.0.0.1:2380';
  try {
    await etcdctl('snapshot', 'restore', file, '--data-dir', data,
      '--name', 'node-1', '--initial-cluster', `node-1=${peer}`, '--initial-advertise-peer-urls', peer);
    const etcd = await startEtcd({ args: ['--data-dir', data] });
    try {
      return await allKeys(etcd.ctl, ...flags);
    } finally {
      await etcd.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
