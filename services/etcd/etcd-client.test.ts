import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putKeys } from '../../test/etcd-keys.js';
import { startEtcd } from '../../test/etcd-process.js';
import type { TestEtcd } from '../../test/etcd-process.js';
import { eventually } from '../../test/eventual-fact.js';
import { createTlsCertificates } from '../../test/tls-certificates.js';
import type { Etcd, EtcdConnection, SnapshotStream } from './etcd.js';
import { connectEtcd } from './etcd-client.js';

const idleTimeoutMs = 10_000;

async function bytesOf(stream: SnapshotStream): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

async function using<T>(connection: EtcdConnection, use: (etcd: Etcd) => Promise<T>): Promise<T> {
  const etcd = connectEtcd(connection);
  try {
    return await use(etcd);
  } finally {
    etcd.close();
  }
}

function snapshotOf(connection: EtcdConnection): Promise<Buffer> {
  return using(connection, async (etcd) => bytesOf(await etcd.openSnapshot(connection.endpoints[0] ?? '', { idleTimeoutMs })));
}

function trailerMatches(snapshot: Buffer): boolean {
  return createHash('sha256').update(snapshot.subarray(0, -32)).digest().equals(snapshot.subarray(-32));
}

let dir: string;
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'snapkeep-client-')); });
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('an etcd', () => {
  let server: TestEtcd;
  beforeAll(async () => {
    server = await startEtcd();
    await putKeys(server.connection, { count: 3_000, valueBytes: 2_000 });
  });
  afterAll(() => server.stop());

  test('tells its members and the status of each, as etcdctl does', async () => {
    const toldByEtcdctl = async () => {
      const [told] = JSON.parse(await server.ctl('endpoint', 'status', '-w', 'json')) as { Status: { header: { revision: number }; dbSize: number } }[];
      return { revision: told?.Status.header.revision, dbSize: told?.Status.dbSize };
    };
    await using(server.connection, async (etcd) => {
      // The file grows while etcd commits what it has buffered, so the two are asked until it has.
      const status = await eventually('a status with the revision and size that etcdctl tells', async () => {
        const [ours, theirs] = [await etcd.status(server.endpoint), await toldByEtcdctl()];
        return ours.revision === theirs.revision && ours.dbSize === theirs.dbSize ? ours : undefined;
      });
      expect(status).toMatchObject({ endpoint: server.endpoint, leader: true, learner: false, complaints: [] });
      expect(await etcd.members()).toEqual([
        { memberId: status.memberId, name: 'node-1', clientUrls: [server.endpoint], learner: false },
      ]);
      expect(await server.ctl('member', 'list')).toContain(`${status.memberId}, started, node-1`);
    });
  });

  test('streams a snapshot whose size was announced and whose trailer matches', async () => {
    const [announced, snapshot] = await using(server.connection, async (etcd) => {
      const stream = await etcd.openSnapshot(server.endpoint, { idleTimeoutMs });
      return [stream.totalBytes, await bytesOf(stream)] as const;
    });
    expect(snapshot).toHaveLength(announced);
    expect(snapshot.length % 512).toBe(32);
    expect(trailerMatches(snapshot)).toBe(true);
  });

  test('streams the bytes that etcdctl saves', async () => {
    const saved = join(dir, 'etcdctl.db');
    await server.ctl('snapshot', 'save', saved);
    expect((await snapshotOf(server.connection)).equals(await readFile(saved))).toBe(true);
    const ours = join(dir, 'ours.db');
    writeFileSync(ours, await snapshotOf(server.connection));
    expect(await server.ctl('snapshot', 'restore', ours, '--data-dir', join(dir, 'restored'))).toBe('');
  });

  test('loses nothing to a reader that is slow at every piece', async () => {
    await using(server.connection, async (etcd) => {
      const stream = await etcd.openSnapshot(server.endpoint, { idleTimeoutMs });
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const piece of stream) {
        hash.update(piece);
        bytes += piece.length;
        await new Promise((resolve) => { setImmediate(resolve); });
      }
      expect(bytes).toBe(stream.totalBytes);
    });
  });

  test('that is down is UNREACHABLE, and answers again after its start', async () => {
    await using(server.connection, async (etcd) => {
      await server.members[0]?.kill();
      const unreachable = { name: 'EtcdError', code: 'UNREACHABLE', message: expect.stringContaining(server.endpoint) as unknown };
      for (let time = 0; time < 3; time++) await expect(etcd.status(server.endpoint)).rejects.toMatchObject(unreachable);
      await expect(etcd.members()).rejects.toMatchObject(unreachable);
      await expect(etcd.openSnapshot(server.endpoint, { idleTimeoutMs })).rejects.toMatchObject(unreachable);
      await server.members[0]?.start();
      expect(await etcd.members()).toHaveLength(1);
    });
  });

  test('after close, and for a signal that has fired, answers CANCELLED', async () => {
    const etcd = connectEtcd(server.connection);
    const cancelled = { code: 'CANCELLED' };
    await expect(etcd.status(server.endpoint, AbortSignal.abort())).rejects.toMatchObject(cancelled);
    await expect(etcd.openSnapshot(server.endpoint, { idleTimeoutMs, signal: AbortSignal.abort() })).rejects.toMatchObject(cancelled);
    const stream = await etcd.openSnapshot(server.endpoint, { idleTimeoutMs });
    etcd.close();
    etcd.close();
    await expect(bytesOf(stream)).rejects.toMatchObject(cancelled);
    await expect(etcd.members()).rejects.toMatchObject(cancelled);
  });

  test('a snapshot cancelled in the middle ends for its reader at once', async () => {
    await using(server.connection, async (etcd) => {
      const cancel = new AbortController();
      const stream = await etcd.openSnapshot(server.endpoint, { idleTimeoutMs, signal: cancel.signal });
      const read = async (): Promise<void> => {
        for await (const _piece of stream) cancel.abort();
      };
      await expect(read()).rejects.toMatchObject({ code: 'CANCELLED' });
    });
  });
});

describe('an etcd with TLS that demands client certificates', () => {
  let server: TestEtcd;
  beforeAll(async () => {
    server = await startEtcd({ tls: createTlsCertificates(dir) });
    await putKeys(server.connection, { count: 100 });
  });
  afterAll(() => server.stop());

  test('is read with the right certificates', async () => {
    expect(await using(server.connection, (etcd) => etcd.members())).toHaveLength(1);
    expect(trailerMatches(await snapshotOf(server.connection))).toBe(true);
  });

  test.each<[string, (connection: EtcdConnection) => EtcdConnection]>([
    ['an unknown CA', (connection) => ({ ...connection, ca: null })],
    ['no client certificate', (connection) => ({ ...connection, clientCertificate: null, clientKey: null })],
    ['a CA that is no PEM', (connection) => ({ ...connection, ca: 'no certificate' })],
    ['http for https', (connection) => ({ ...connection, endpoints: [server.endpoint.replace('https', 'http')] })],
  ])('refuses %s, and both ways of reading say so', async (_name, change) => {
    const connection = change(server.connection);
    const refused = { name: 'EtcdError', code: expect.stringMatching(/^(TLS|UNREACHABLE)$/) as unknown };
    await expect(using(connection, (etcd) => etcd.members())).rejects.toMatchObject(refused);
    await expect(snapshotOf(connection)).rejects.toMatchObject(refused);
  });
});

describe('an etcd with authentication', () => {
  let server: TestEtcd;
  let root: EtcdConnection;
  beforeAll(async () => {
    server = await startEtcd();
    root = { ...server.connection, username: 'root', password: 'correct horse' };
    await putKeys(server.connection, { count: 100 });
    expect(trailerMatches(await snapshotOf(root))).toBe(true);
    await server.ctl('user', 'add', 'root:correct horse');
    await server.ctl('user', 'add', 'reader:battery staple');
    await server.ctl('auth', 'enable');
  });
  afterAll(() => server.stop());

  test('is read by root', async () => {
    expect(await using(root, (etcd) => etcd.members())).toHaveLength(1);
    expect((await using(root, (etcd) => etcd.status(server.endpoint))).leader).toBe(true);
    expect(trailerMatches(await snapshotOf(root))).toBe(true);
  });

  test('is read on after its tokens have expired', async () => {
    await using(root, async (etcd) => {
      await etcd.members();
      await server.members[0]?.kill('SIGTERM');
      await server.members[0]?.start();
      expect(await etcd.status(server.endpoint)).toMatchObject({ leader: true });
      expect(trailerMatches(await bytesOf(await etcd.openSnapshot(server.endpoint, { idleTimeoutMs })))).toBe(true);
    });
  });

  test.each<[string, Partial<EtcdConnection>]>([
    ['a wrong password', { username: 'root', password: 'wrong' }],
    ['nobody', {}],
    ['a user who is not root', { username: 'reader', password: 'battery staple' }],
  ])('refuses a snapshot to %s, with AUTH and without the password', async (_name, user) => {
    const failure = await snapshotOf({ ...server.connection, ...user }).then(() => null, (error: unknown) => error);
    expect(failure).toMatchObject({ name: 'EtcdError', code: 'AUTH' });
    expect(String(failure)).not.toContain(user.password ?? 'correct horse');
  });
});
