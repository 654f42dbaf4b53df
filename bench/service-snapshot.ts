// What a user asks of the running service for a snapshot: a cluster, a target in S3, and the snapshot until it is taken.
// Measures nothing.
import { ask, assertNoUserErrors, connect, follow } from '../demo/snapkeep.js';
import type { UserError } from '../demo/snapkeep.js';
import type { Encoding } from '../events/target-events.js';
import type { Service } from './service-process.js';
import type { BenchBucket } from './snapshot-ground.js';

interface Completion { readonly outcome: string; readonly snapshot: { readonly failure: { readonly message: string } | null } }

const completed = 'subscription ($id: ID) { snapshotCompleted(snapshotId: $id) { outcome snapshot { failure { message } } } }';

export async function registerCluster(service: Service, input: object): Promise<void> {
  const mutation = 'mutation ($input: RegisterClusterInput!) { it: registerCluster(input: $input) { cluster { id } userErrors { code message } } }';
  const { it } = await ask<{ it: { userErrors: UserError[] } }>(service, mutation, { input }, AbortSignal.timeout(60_000));
  assertNoUserErrors('registerCluster', it.userErrors);
}

export async function createS3Target(service: Service, id: string, { bucket, keys, settings }: BenchBucket, encoding: Encoding): Promise<void> {
  const mutation = 'mutation ($input: CreateS3TargetInput!) { it: createS3Target(input: $input) { target { id } userErrors { code message } } }';
  const { compression, compressionLevel, ageRecipients } = encoding;
  const input = {
    id, bucket, folder: id, endpoint: settings.endpoint, region: settings.region, accessKey: keys.accessKeyId, secretKey: keys.secretAccessKey,
    ageRecipients, ...(compression === 'NONE' ? {} : { compression, compressionLevel }),
  };
  const { it } = await ask<{ it: { userErrors: UserError[] } }>(service, mutation, { input }, AbortSignal.timeout(60_000));
  assertNoUserErrors('createS3Target', it.userErrors);
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
