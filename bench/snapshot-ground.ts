// What the measurements of snapshots stand on: a large real etcd, a file with its snapshot, and a real S3 server with a bucket.
// Each is made when it is first asked for, and serves every part of the run.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { putKeys } from '../test/etcd-keys.js';
import { startEtcd } from '../test/etcd-process.js';
import type { TestEtcd } from '../test/etcd-process.js';
import { makeBucket, settingsFor } from '../test/s3-bucket.js';
import { administer, startS3Server } from '../test/s3-server.js';
import type { S3Keys } from '../test/s3-server.js';
import type { S3Settings } from '../events/target-events.js';

export interface BenchBucket {
  readonly bucket: string;
  readonly keys: S3Keys;
  readonly settings: S3Settings;
}

export interface Ground {
  etcd(): Promise<TestEtcd>;
  /** A file that `etcdctl snapshot save` made of it. */
  file(): Promise<string>;
  bucket(): Promise<BenchBucket>;
  /** Gives back at once the memory of what was deleted from the bucket. */
  collectGarbage(): Promise<void>;
  /** A new, empty folder. */
  newFolder(): string;
  stop(): Promise<void>;
}

const VALUE_BYTES = 10_000;

export function snapshotGround(gigabytes: number, folder: string): Ground {
  const stops: (() => Promise<void>)[] = [];
  let folders = 0;
  const newFolder = (): string => {
    folders += 1;
    const made = join(folder, `ground-${folders}`);
    mkdirSync(made);
    return made;
  };
  const etcd = once(async () => {
    const started = await startEtcd();
    stops.push(started.stop);
    await putKeys(started.connection, { count: Math.ceil(gigabytes * 1e9 / VALUE_BYTES), valueBytes: VALUE_BYTES, makeValue: thirdRandom });
    return started;
  });
  const file = once(async () => {
    const path = join(newFolder(), 'etcdctl.db');
    await (await etcd()).ctl('snapshot', 'save', path);
    return path;
  });
  const server = once(async () => {
    const started = await startS3Server();
    stops.push(started.stop);
    return started;
  });
  const bucket = once(async () => {
    const { endpoint, accessKeyId, secretAccessKey } = await server();
    const { name, client } = await makeBucket(await server());
    client.destroy();
    return { bucket: name, keys: { accessKeyId, secretAccessKey }, settings: settingsFor({ endpoint }) };
  });
  return {
    etcd, file, bucket, newFolder,
    async collectGarbage() {
      if ((await server()).admin !== null) await administer(await server(), 'gc', 'process', '--include-all');
    },
    async stop() {
      for (const stop of stops.toReversed()) await stop();
    },
  };
}

/** Compresses to about a third, as manifests of Kubernetes do. */
const thirdRandom = (_: number, bytes: number): Buffer => Buffer.concat([randomBytes(Math.ceil(bytes / 3))], bytes);

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
