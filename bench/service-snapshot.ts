// One snapshot of a large etcd through the running service, as a user asks for it, and the peak memory of the whole process.
// Not compared with anything: see snapshot-bench.ts.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, assertNoUserErrors, connect, follow } from '../demo/snapkeep.js';
import type { UserError } from '../demo/snapkeep.js';
import { printFact, timed } from './measured-times.js';
import { megabytes } from './peak-memory.js';
import { startService } from './service-process.js';
import type { Service } from './service-process.js';

interface Completion { readonly outcome: string; readonly snapshot: { readonly failure: { readonly message: string } | null } }

const completed = 'subscription ($id: ID) { snapshotCompleted(snapshotId: $id) { outcome snapshot { failure { message } } } }';

export async function registerCluster(service: Service, input: object): Promise<void> {
  const mutation = 'mutation ($input: RegisterClusterInput!) { it: registerCluster(input: $input) { cluster { id } userErrors { code message } } }';
  const { it } = await ask<{ it: { userErrors: UserError[] } }>(service, mutation, { input }, AbortSignal.timeout(60_000));
  assertNoUserErrors('registerCluster', it.userErrors);
}

/** Resolves with its id when it is taken. */
export async function takeSnapshot(service: Service, clusterId: string): Promise<string> {
  const mutation = 'mutation ($id: ID!) { it: snapshotNow(input: { clusterId: $id }) { snapshot { id } userErrors { code message } } }';
  const signal = AbortSignal.timeout(60_000);
  type Answer = { it: { snapshot: { id: string } | null; userErrors: UserError[] } };
  const { it } = await ask<Answer>(service, mutation, { id: clusterId }, signal);
  assertNoUserErrors('snapshotNow', it.userErrors);
  const id = it.snapshot?.id ?? '';
  const client = connect(service);
  try {
    const message = await follow<{ snapshotCompleted: Completion }>(client, completed, { id }).next();
    if (message.done !== true && message.value.snapshotCompleted.outcome === 'TAKEN') return id;
    throw new Error(`the snapshot was not taken: ${JSON.stringify(message)}`);
  } finally {
    await client.dispose();
  }
}

export async function measureServiceSnapshot(endpoint: string, folder: string): Promise<void> {
  const place = join(folder, 'service');
  await mkdir(place);
  const service = await startService(place);
  try {
    const before = service.peakBytes();
    await registerCluster(service, { id: 'large', endpoints: [endpoint], policy: { recurringEnabled: false } });
    const ms = await timed(() => takeSnapshot(service, 'large'));
    printFact('the same through the service, request to completion message', `${(ms / 1000).toFixed(2)} s`);
    printFact('peak RSS of the service after it (when ready)', `${megabytes(service.peakBytes())} (${megabytes(before)})`);
  } finally {
    await service.stop();
  }
}

