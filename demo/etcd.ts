// A throwaway etcd with keys like those of a small Kubernetes cluster, and the tool that checks a snapshot file of its version.
// Speaks etcd's JSON gateway, so that the demo needs no client library.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Child } from './child.js';
import { startChild } from './child.js';
import { freePort, untilHealthy } from './wait.js';

const NAMESPACES = ['default', 'kube-system', 'shop', 'billing', 'monitoring'];
const KINDS = ['pods', 'configmaps', 'secrets', 'deployments', 'endpointslices', 'events', 'leases', 'replicasets'];
const PER_TRANSACTION = 100;

export interface Etcd extends Child {
  readonly endpoint: string;
}

export async function startEtcd(folder: string): Promise<Etcd> {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const args = ['--name', 'demo-node-1', '--data-dir', join(folder, 'etcd'),
    '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint,
    '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `demo-node-1=${peer}`];
  // Variables of the shell such as ETCD_NAME would override or contradict these flags.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_')));
  const child = startChild({ name: 'etcd', command: 'etcd', args, env, logFile: join(folder, 'etcd.log'), patienceMs: 5000 });
  return { ...child, endpoint };
}

export async function untilEtcdIsReady(etcd: Etcd, signal: AbortSignal): Promise<void> {
  await Promise.race([untilHealthy(`${etcd.endpoint}/health`, 30_000, signal), etcd.died]);
}

/** Writes `count` keys, the same ones on every run. */
export async function seedKeys(etcd: Etcd, count: number, signal: AbortSignal): Promise<void> {
  for (let from = 0; from < count; from += PER_TRANSACTION) {
    const numbers = Array.from({ length: Math.min(PER_TRANSACTION, count - from) }, (_, offset) => from + offset);
    const success = numbers.map((number) => ({ requestPut: { key: base64(keyOf(number)), value: base64(valueOf(number)) } }));
    const answer = await fetch(`${etcd.endpoint}/v3/kv/txn`, { method: 'POST', body: JSON.stringify({ success }), signal });
    if (!answer.ok) throw new Error(`etcd refused keys ${from} and following: ${await answer.text()}`);
    await answer.body?.cancel();
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const pick = (list: readonly string[], number: number) => list[number % list.length] ?? '';

function keyOf(number: number): string {
  const kind = pick(KINDS, number);
  const namespace = pick(NAMESPACES, Math.floor(number / KINDS.length));
  return `/registry/${kind}/${namespace}/${kind.slice(0, -1)}-${digest(number).slice(0, 10)}`;
}

function valueOf(number: number): string {
  const [, , kind, namespace, name] = keyOf(number).split('/');
  const data = Array.from({ length: 20 + (number % 60) }, (_, line) => digest(number * 100 + line)).join('\n');
  return JSON.stringify({ apiVersion: 'v1', kind, metadata: { name, namespace, labels: { app: namespace } }, data });
}

const digest = (number: number) => createHash('sha256').update(String(number)).digest('hex');

/** The command line that checks a snapshot file: etcdutl from etcd 3.6 on, which took `snapshot status` out of etcdctl. */
export function statusCommand(file: string): readonly [string, ...string[]] {
  const [, major, minor] = /etcdctl version: (\d+)\.(\d+)/.exec(execFileSync('etcdctl', ['version'], { encoding: 'utf8' })) ?? [];
  const tool = Number(major) * 100 + Number(minor) >= 306 ? 'etcdutl' : 'etcdctl';
  return [tool, 'snapshot', 'status', file, '-w', 'table'];
}
