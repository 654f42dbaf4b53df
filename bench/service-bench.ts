// What the running service's API does under load: mutations a second, their times, and how soon a subscriber learns of one.
// Against dist/main.js and a small real etcd, over HTTP and WebSocket; this process is the client on the same machine.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, assertNoUserErrors, connect, follow } from '../demo/snapkeep.js';
import type { UserError } from '../demo/snapkeep.js';
import { within } from '../demo/wait.js';
import { putKeys } from '../test/etcd-keys.js';
import { startEtcd } from '../test/etcd-process.js';
import { printFact, printTimes, timed } from './measured-times.js';
import type { Service } from './service-process.js';
import { startService } from './service-process.js';
import { registerCluster, takeSnapshot } from './service-snapshot.js';

const CLIENTS = 16;
const REGISTRATIONS = 500;
const POLICY_UPDATES = 2000;
const PINS = 500;
const WARM_UP = 200;

type Mutate = (n: number, client: number) => Promise<void>;

export async function benchService(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'snapkeep-bench-'));
  const etcd = await startEtcd();
  try {
    await putKeys(etcd.connection, { count: 1000 });
    const service = await startService(folder);
    try {
      const register: Mutate = (n) => registerCluster(service, { id: `c-${n}`, endpoints: [etcd.endpoint], legacy: true });
      const update: Mutate = (n, client) => updatePolicy(service, `c-${client}`, 1 + (n % 100));
      await load(WARM_UP, CLIENTS, register);
      await measureLoad('registerCluster', REGISTRATIONS, CLIENTS, (n, client) => register(WARM_UP + n, client));
      await load(WARM_UP, CLIENTS, update);
      await measureLoad('updatePolicy', POLICY_UPDATES, CLIENTS, update);
      await measureLoad('updatePolicy', POLICY_UPDATES / 4, 1, update);
      await registerCluster(service, { id: 'watched', endpoints: [etcd.endpoint], policy: { recurringEnabled: false } });
      await measureSubscription(service, await takeSnapshot(service, 'watched'));
    } finally {
      await service.stop();
    }
  } finally {
    await etcd.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each client sends its next mutation when the one before is answered. Gives each one's time. */
async function load(count: number, clients: number, mutate: Mutate): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const sendInTurn = async (client: number): Promise<void> => {
    for (let n = next++; n < count; n = next++) times.push(await timed(() => mutate(n, client)));
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => sendInTurn(client)));
  return times;
}

async function measureLoad(name: string, count: number, clients: number, mutate: Mutate): Promise<void> {
  const began = performance.now();
  const times = await load(count, clients, mutate);
  const perSecond = count / (performance.now() - began) * 1000;
  printFact(`${name}, ${clients} at a time`, `${perSecond.toFixed(0)} mutations/s`);
  printTimes(`${name}, ${clients} at a time, until answered`, times);
}

async function updatePolicy(service: Service, clusterId: string, retentionCount: number): Promise<void> {
  const mutation = 'mutation ($input: UpdatePolicyInput!) { it: updatePolicy(input: $input) { policy { revision } userErrors { code message } } }';
  const input = { clusterId, recurringEnabled: false, retentionCount };
  const { it } = await ask<{ it: { userErrors: UserError[] } }>(service, mutation, { input }, AbortSignal.timeout(60_000));
  assertNoUserErrors('updatePolicy', it.userErrors);
}

async function pin(service: Service, id: string, pinned: boolean): Promise<void> {
  const name = pinned ? 'pinSnapshot' : 'unpinSnapshot';
  const mutation = `mutation ($id: ID!) { it: ${name}(id: $id) { snapshot { pinned } userErrors { code message } } }`;
  const { it } = await ask<{ it: { userErrors: UserError[] } }>(service, mutation, { id }, AbortSignal.timeout(60_000));
  assertNoUserErrors('pinning', it.userErrors);
}

/** One subscriber; a snapshot of its cluster is pinned and unpinned in turn, the next time when the message has come. */
async function measureSubscription(service: Service, snapshotId: string): Promise<void> {
  const { cursor } = await ask<{ cursor: string }>(service, '{ cursor }', {}, AbortSignal.timeout(60_000));
  const changed = 'subscription ($after: String) { snapshotChanged(clusterId: "watched", after: $after) { cursor snapshot { pinned } } }';
  const client = connect(service);
  const answers: number[] = [];
  const messages: number[] = [];
  try {
    const followed = follow<unknown>(client, changed, { after: cursor });
    for (let n = 0; n < PINS; n += 1) {
      const began = performance.now();
      const message = followed.next().then(() => performance.now() - began);
      const [answerMs, messageMs] = await Promise.all([
        timed(() => pin(service, snapshotId, n % 2 === 0)), within(30_000, 'no message after a pin', message),
      ]);
      answers.push(answerMs);
      messages.push(messageMs);
    }
  } finally {
    await client.dispose();
  }
  const settled = messages.slice(WARM_UP / 4);
  printTimes('pinSnapshot sent until answered', answers.slice(WARM_UP / 4));
  printTimes('pinSnapshot sent until the subscription message is here', settled);
}
