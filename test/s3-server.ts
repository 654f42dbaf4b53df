// The real S3 server that tests and the bench use: SNAPKEEP_TEST_S3_URL, else one that scripts/s3-server.mjs starts.
// What is in it is made by s3-bucket.ts. Each test uses buckets and keys of its own: the server is shared.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3Server extends S3Keys {
  /** An http or https URL without a path. */
  readonly endpoint: string;
  /** The command that administers a Ceph gateway, with its first arguments; null where the server is another. */
  readonly admin: readonly string[] | null;
  /** For the report of a run. */
  readonly kind: string;
}

export interface S3Unavailable {
  /** Why no server can be had here. */
  readonly unavailable: string;
}

/** The one of this run of jest, started by whoever asks first (see server-owner.mjs). */
export async function sharedS3Server(): Promise<S3Server | S3Unavailable> {
  const owner = process.env['SNAPKEEP_TEST_SERVER_OWNER'];
  return givenS3Server() ?? (owner === undefined ? { unavailable: 'this is no run of jest' } : read(await (await fetch(`${owner}/s3`)).text()));
}

/** One of the caller's own, or the given one; `stop` ends it. Rejects where none can be had. */
export async function startS3Server(): Promise<S3Server & { readonly stop: () => Promise<void> }> {
  const given = givenS3Server();
  if (given) return { ...given, stop: async () => undefined };
  const child = spawn(process.execPath, [serverScript()], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  const [line] = await once(createInterface(child.stdout), 'line') as [string];
  const server = read(line);
  if ('endpoint' in server) return { ...server, stop };
  await stop();
  throw new Error(server.unavailable);
}

/** More keys of the server's user; `remove` takes them away. Only where the server can be administered. */
export async function addS3Keys(server: S3Server): Promise<S3Keys & { readonly remove: () => Promise<void> }> {
  const keys = { accessKeyId: `more${randomBytes(8).toString('hex')}`, secretAccessKey: randomBytes(20).toString('hex') };
  const key = ['--uid', 'test', '--access-key', keys.accessKeyId];
  await administer(server, 'key', 'create', ...key, '--secret-key', keys.secretAccessKey);
  return { ...keys, remove: () => administer(server, 'key', 'rm', ...key) };
}

/** One command of radosgw-admin. */
export async function administer({ admin }: S3Server, ...args: readonly string[]): Promise<void> {
  if (admin === null) throw new Error('this S3 server cannot be administered from here');
  const [program = '', ...first] = admin;
  await promisify(execFile)(program, [...first, ...args]);
}

/** As built, this file is one folder deeper than in the sources. */
function serverScript(): string {
  const places = ['../scripts/s3-server.mjs', '../../scripts/s3-server.mjs'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return places.find((path) => existsSync(path)) ?? places.join(' or ');
}

function givenS3Server(): S3Server | null {
  const endpoint = process.env['SNAPKEEP_TEST_S3_URL'];
  if (endpoint === undefined) return null;
  const { SNAPKEEP_TEST_S3_ACCESS_KEY: accessKeyId = '', SNAPKEEP_TEST_S3_SECRET_KEY: secretAccessKey = '' } = process.env;
  return { endpoint, accessKeyId, secretAccessKey, admin: null, kind: 'SNAPKEEP_TEST_S3_URL' };
}

function read(line: string): S3Server | S3Unavailable {
  return JSON.parse(line) as S3Server | S3Unavailable;
}
