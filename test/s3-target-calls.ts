// S3 targets of a running Snapkeep: created with keys of the test server, tried, and their objects compared with what is listed.
// What is really in a bucket is in s3-bucket.ts.
import type { TestBucket } from './s3-bucket.js';
import type { S3Server } from './s3-server.js';
import { type CopyView, type SnapshotView, type UserErrorView, mutate } from './snapkeep-calls.js';
import type { Snapkeep, Variables } from './snapkeep-process.js';

/** With the server's keys, unless `more` gives others or null, which is IAM. */
export async function createS3(snapkeep: Snapkeep, server: S3Server, bucket: Pick<TestBucket, 'name'>, more: Variables = {}): Promise<string> {
  const { endpoint, accessKeyId: accessKey, secretAccessKey: secretKey } = server;
  const input = { id: 's3', bucket: bucket.name, endpoint, requestTimeoutSeconds: 5, accessKey, secretKey, ...more };
  return (await mutate(snapkeep, 'createS3Target', input)).id;
}

export interface CheckView {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string | null;
  readonly remedy: string | null;
  readonly ranOn: string;
}
export interface TestView { readonly checks: readonly CheckView[]; readonly userErrors: readonly UserErrorView[] }

export async function testTarget(snapkeep: Snapkeep, id: string): Promise<TestView> {
  const query = 'mutation ($id: ID!) { testTarget(id: $id) { checks { name ok message remedy ranOn } userErrors { code message path } } }';
  return (await snapkeep.graphql<{ testTarget: TestView }>(query, { id })).testTarget;
}

export function copyOn({ copies }: SnapshotView, targetId: string): CopyView {
  const copy = copies.find(({ target }) => target.id === targetId);
  if (copy === undefined) throw new Error(`the snapshot has no copy on ${targetId}`);
  return copy;
}

/** The key of the database that a copy's location names. */
export function keyOf({ location }: CopyView, bucket: Pick<TestBucket, 'name'>): string {
  const prefix = `s3://${bucket.name}/`;
  if (location?.startsWith(prefix) !== true) throw new Error(`${location} is not in the bucket ${bucket.name}`);
  return location.slice(prefix.length);
}

export const manifestOf = (databaseKey: string): string => databaseKey.replace(/[^/]+$/, 'manifest.json');

/** Every key that the stored copies on the target should have in the bucket; sorted. */
export function keysOf(snapshots: readonly SnapshotView[], targetId: string, bucket: Pick<TestBucket, 'name'>): string[] {
  const stored = snapshots.flatMap(({ copies }) => copies).filter(({ target, state }) => target.id === targetId && state === 'STORED');
  return stored.map((copy) => keyOf(copy, bucket)).flatMap((key) => [key, manifestOf(key)]).sort();
}
