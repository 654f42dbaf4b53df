import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { putKeys } from '../../test/etcd-keys.js';
import { startEtcd } from '../../test/etcd-process.js';
import type { TestEtcd } from '../../test/etcd-process.js';
import { etcdVersions } from '../../test/etcd-versions.js';
import { connectEtcd } from './etcd-client.js';
import { chooseMember } from './member-choice.js';

const { available, missing } = etcdVersions();

describe.each([...available])('etcd $version with three members and authentication', ({ version, binary }) => {
  let cluster: TestEtcd;
  beforeAll(async () => {
    cluster = await startEtcd({ binary, members: 3 });
    await putKeys(cluster.connection, { count: 2_000 });
    await cluster.ctl('user', 'add', 'root:secret');
    await cluster.ctl('user', 'grant-role', 'root', 'root');
    await cluster.ctl('auth', 'enable');
  });
  afterAll(() => cluster.stop());

  test('tells members and statuses, and a follower\'s snapshot is whole', async () => {
    const etcd = connectEtcd({ ...cluster.connection, username: 'root', password: 'secret' });
    try {
      expect((await etcd.members()).map((member) => member.name).sort()).toEqual(['node-1', 'node-2', 'node-3']);
      const statuses = await Promise.all(cluster.connection.endpoints.map((endpoint) => etcd.status(endpoint)));
      expect(statuses.map((status) => status.version.split('.').slice(0, 2).join('.'))).toEqual([version, version, version]);
      expect(statuses.filter((status) => status.leader)).toHaveLength(1);

      const { endpoint } = chooseMember(statuses.map((status) => ({ endpoint: status.endpoint, status })), []);
      expect(statuses.find((status) => status.endpoint === endpoint)?.leader).toBe(false);
      const stream = await etcd.openSnapshot(endpoint ?? '', { idleTimeoutMs: 10_000 });
      const pieces: Uint8Array[] = [];
      for await (const piece of stream) pieces.push(piece);
      const snapshot = Buffer.concat(pieces);
      expect(snapshot).toHaveLength(stream.totalBytes);
      expect(createHash('sha256').update(snapshot.subarray(0, -32)).digest()).toEqual(snapshot.subarray(-32));
    } finally {
      etcd.close();
    }
  });
});

for (const { version, reason } of missing) test.skip(`etcd ${version} NOT RUN: ${reason}`, () => undefined);
