import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { userErrorCodes } from '../events/error-codes.js';
import { createApiSchema } from './api-schema.js';
import { begin, fail, localPath, registered, requested, type Service, startService, succeed } from './service.fixture.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await registered(service, 'prod');
  await service.ask(`mutation {
    old: createLocalTarget(input: { id: "old", path: "/old" }) { target { id } } deleteTarget(id: "old") { target { id } }
    plain: createLocalTarget(input: { id: "plain", path: "/plain" }) { target { id } }
    bucket: createS3Target(input: { id: "bucket", bucket: "backups", folder: "etcd/prod" }) { target { id } }
    inner: createS3Target(input: { id: "minio", bucket: "backups", folder: "etcd/prod", endpoint: "http://minio:9000" }) { target { id } } }`);
});
afterAll(() => service.stop());

type Fault = { readonly code: string; readonly message: string; readonly path: readonly string[] | null };

async function faults(mutation: string, input: object): Promise<Fault[]> {
  const type = `${mutation === 'snapshotNow' ? 'SnapshotNow' : mutation[0]?.toUpperCase() + mutation.slice(1)}Input`;
  const { data, errors } = await service.ask<{ answer: { userErrors: Fault[] } }>(`mutation ($input: ${type}!) { answer: ${mutation}(input: $input) { userErrors { code message path } } }`, { input });
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data.answer.userErrors;
}

const cluster = { id: 'new', endpoints: ['http://127.0.0.1:2379'] };
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n';

describe('registerCluster names the field at fault', () => {
  test.each([
    ['a slug with capitals', { id: 'Prod' }, ['id']],
    ['a slug that ends with a dash', { id: 'prod-' }, ['id']],
    ['a slug that is a path', { id: '../prod' }, ['id']],
    ['a slug of 64 characters', { id: 'a'.repeat(64) }, ['id']],
    ['a name with slashes', { name: 'a/b' }, ['name']],
    ['a name with a control character', { name: 'a\u0007b' }, ['name']],
    ['a name of 101 characters', { name: 'a'.repeat(101) }, ['name']],
    ['no endpoints', { endpoints: [] }, ['endpoints']],
    ['an endpoint that is not a URL', { endpoints: ['http://ok:2379', '10.0.0.1:2379'] }, ['endpoints', '1']],
    ['an endpoint with a path', { endpoints: ['http://ok:2379/v3'] }, ['endpoints', '0']],
    ['an endpoint with a query', { endpoints: ['http://ok:2379?x=1'] }, ['endpoints', '0']],
    ['an endpoint with credentials', { endpoints: ['http://root:hunter2@ok:2379'] }, ['endpoints', '0']],
    ['an endpoint of another scheme', { endpoints: ['ftp://ok:2379'] }, ['endpoints', '0']],
    ['a certificate authority that is not PEM', { ca: 'nonsense' }, ['ca']],
    ['a certificate authority with its private key', { ca: `${CERTIFICATE}${KEY}` }, ['ca']],
    ['a key without its certificate', { clientKey: KEY }, ['clientKey']],
    ['a certificate without its key', { clientCertificate: CERTIFICATE }, ['clientCertificate']],
    ['a password without its user', { password: 'hunter2' }, ['password']],
    ['a user without a password', { username: 'root' }, ['username']],
    ['a policy for a legacy cluster', { legacy: true, policy: {} }, ['policy']],
    ['an interval of 0', { policy: { intervalHours: 0 } }, ['policy', 'intervalHours']],
    ['an interval beyond a year', { policy: { intervalHours: 8761 } }, ['policy', 'intervalHours']],
    ['a bad cron', { policy: { cron: 'every day' } }, ['policy', 'cron']],
    ['an unknown time zone', { policy: { cron: '0 3 * * *', timeZone: 'Mars/Olympus' } }, ['policy', 'timeZone']],
    ['a time zone without a cron', { policy: { timeZone: 'Europe/Berlin' } }, ['policy', 'timeZone']],
    ['both interval and cron', { policy: { intervalHours: 6, cron: '0 3 * * *' } }, ['policy', 'intervalHours']],
    ['no targets', { policy: { targetIds: [] } }, ['policy', 'targetIds']],
    ['an unknown target', { policy: { targetIds: ['local', 'nowhere'] } }, ['policy', 'targetIds', '1']],
    ['a retired target', { policy: { targetIds: ['old'] } }, ['policy', 'targetIds', '0']],
    ['a count of 0', { policy: { retentionCount: 0 } }, ['policy', 'retentionCount']],
    ['a count of 10001', { policy: { retentionCount: 10_001 } }, ['policy', 'retentionCount']],
  ])('%s', async (_case, input, path) => {
    const answer = await faults('registerCluster', { ...cluster, ...input });
    expect(answer).toEqual([{ code: 'INVALID_INPUT', message: expect.any(String), path }]);
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  test('all faults of one input come together', async () => {
    const answer = await faults('registerCluster', { id: 'X', name: '/', endpoints: ['x'], policy: { retentionCount: 0 } });
    expect(answer.map(({ path }) => path)).toEqual([['id'], ['name'], ['endpoints', '0'], ['policy', 'retentionCount']]);
  });

  test('an id that is taken', async () => {
    expect(await faults('registerCluster', { ...cluster, id: 'prod' })).toMatchObject([{ code: 'ALREADY_EXISTS', path: ['id'] }]);
  });
});

describe('other mutations', () => {
  test.each([
    ['updatePolicy', { clusterId: 'none', retentionCount: 3 }, 'NOT_FOUND', ['clusterId']],
    ['updatePolicy', { clusterId: 'prod', intervalHours: 0 }, 'INVALID_INPUT', ['intervalHours']],
    ['updatePolicy', { clusterId: 'prod', timeZone: 'Europe/Berlin' }, 'INVALID_INPUT', ['timeZone']],
    ['updatePolicy', { clusterId: 'prod', retentionCount: 3, expectedRevision: 9 }, 'CONFLICT', expect.anything()],
    ['snapshotNow', { clusterId: 'none' }, 'NOT_FOUND', ['clusterId']],
    ['snapshotNow', { clusterId: 'prod', name: 'a/b' }, 'INVALID_INPUT', ['name']],
    ['snapshotNow', { clusterId: 'prod', idempotencyKey: '' }, 'INVALID_INPUT', ['idempotencyKey']],
    ['updateCluster', { id: 'none', name: 'x' }, 'NOT_FOUND', ['id']],
    ['updateCluster', { id: 'prod', endpoints: null }, 'INVALID_INPUT', ['endpoints']],
    ['createLocalTarget', { id: 'x', path: 'relative' }, 'INVALID_INPUT', ['path']],
    ['createLocalTarget', { id: 'x', path: '/a/../b' }, 'INVALID_INPUT', ['path']],
    ['createLocalTarget', { id: 'x', path: '/a//b' }, 'INVALID_INPUT', ['path']],
    ['createLocalTarget', { id: 'local', path: '/a' }, 'ALREADY_EXISTS', ['id']],
    ['createLocalTarget', { id: 'x', path: '/x', compressionLevel: 3 }, 'INVALID_INPUT', ['compressionLevel']],
    ['updateLocalTarget', { id: 'none', name: 'x' }, 'NOT_FOUND', ['id']],
    ['updateLocalTarget', { id: 'local', compression: 'ZSTD' }, 'FORBIDDEN', ['id']],
    ['updateLocalTarget', { id: 'old', name: 'x' }, 'CONFLICT', ['id']],
    ['updateLocalTarget', { id: 'bucket', name: 'x' }, 'INVALID_INPUT', ['id']],
    ['updateLocalTarget', { id: 'plain', ageRecipients: ['age1nobody'] }, 'INVALID_INPUT', ['ageRecipients', '0']],
    ['createS3Target', { id: 'local', bucket: 'other-backups' }, 'ALREADY_EXISTS', ['id']],
    ['createS3Target', { id: 'plain', bucket: 'other-backups' }, 'ALREADY_EXISTS', ['id']],
    ['createS3Target', { id: 'x', bucket: 'other-backups', accessKey: 'hunter2' }, 'INVALID_INPUT', ['accessKey']],
    ['createS3Target', { id: 'x', bucket: 'other-backups', endpoint: 'https://root:hunter2@minio' }, 'INVALID_INPUT', ['endpoint']],
    ['updateS3Target', { id: 'none', name: 'x' }, 'NOT_FOUND', ['id']],
    ['updateS3Target', { id: 'local', name: 'x' }, 'FORBIDDEN', ['id']],
    ['updateS3Target', { id: 'plain', name: 'x' }, 'INVALID_INPUT', ['id']],
    ['updateS3Target', { id: 'bucket', useIam: false }, 'INVALID_INPUT', ['useIam']],
    ['updateS3Target', { id: 'bucket', secretKey: 'hunter2' }, 'INVALID_INPUT', ['secretKey']],
    ['updateS3Target', { id: 'minio', endpoint: null }, 'INVALID_INPUT', ['endpoint']],
  ])('%s %j answers %s', async (mutation, input, code, path) => {
    const answer = await faults(mutation, input);
    expect(answer).toEqual([{ code, message: expect.any(String), path }]);
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  test.each(['removeCluster', 'deleteTarget', 'testTarget', 'deleteSnapshot', 'pinSnapshot', 'unpinSnapshot'])('%s of an unknown id answers NOT_FOUND', async (mutation) => {
    const { data } = await service.ask(`mutation { answer: ${mutation}(id: "nobody.01ARZ3") { userErrors { code path } } }`);
    expect(data['answer']).toEqual({ userErrors: [{ code: 'NOT_FOUND', path: ['id'] }] });
  });

  test('a key of another request is a CONFLICT, the same request answers with the same snapshot', async () => {
    const now = (name: string) => service.ask(`mutation { snapshotNow(input: { clusterId: "prod", name: "${name}", idempotencyKey: "k" }) { snapshot { id name } userErrors { code } } }`);
    const first = await now('before-upgrade');
    expect(first.data['snapshotNow']).toMatchObject({ snapshot: { name: expect.stringMatching(/^20261123T120000Z-[0-9a-z]{6}-before-upgrade$/) } });
    expect((await now('before-upgrade')).data).toEqual(first.data);
    expect((await now('after-upgrade')).data).toEqual({ snapshotNow: { snapshot: null, userErrors: [{ code: 'CONFLICT' }] } });
  });

  test.each(['/tree/a', '/tree/a/b', '/tree', localPath, `${localPath}/inner`, '/opt'])('a target at %s, where another one is, is refused', async (path) => {
    await service.ask('mutation { createLocalTarget(input: { id: "tree", path: "/tree/a" }) { target { id } } }');
    expect(await faults('createLocalTarget', { id: 'second', path })).toEqual([
      { code: 'INVALID_INPUT', message: expect.stringMatching(/of target (tree|local)/), path: ['path'] },
    ]);
  });

  test.each([
    [{ bucket: 'backups', folder: 'etcd/prod' }, 'folder'], [{ bucket: 'backups', folder: 'etcd/prod/inner' }, 'folder'],
    [{ bucket: 'backups', folder: 'etcd' }, 'folder'], [{ bucket: 'backups' }, 'bucket'],
    [{ bucket: 'backups', folder: 'etcd/prod', endpoint: 'https://s3.eu-central-1.amazonaws.com' }, 'folder'],
    [{ bucket: 'backups', folder: 'etcd', endpoint: 'https://minio:9000' }, 'folder'],
  ])('a target at %j, where another one is, is refused', async (place, field) => {
    expect(await faults('createS3Target', { id: 'second', ...place })).toEqual([
      { code: 'INVALID_INPUT', message: expect.stringMatching(/of target (bucket|minio)/), path: [field] },
    ]);
  });

  test.each([
    { id: 'folder-beside', bucket: 'backups', folder: 'etcd/prod-2' }, { id: 'other-bucket', bucket: 'backups-2', folder: 'etcd/prod' },
    { id: 'other-store', bucket: 'backups', folder: 'etcd/prod', endpoint: 'ceph:8080' },
  ])('a target at %j, beside another one, is none inside it', async (input) => {
    expect(await faults('createS3Target', input)).toEqual([]);
  });

  test('a target beside another one is none inside it', async () => {
    expect(await faults('createLocalTarget', { id: 'beside', path: '/tree/ab' })).toEqual([]);
  });

  test('a running snapshot cannot be deleted, nor a pinned one', async () => {
    await registered(service, 'pins');
    const { id } = await requested(service, 'pins');
    const remove = async () => (await service.ask(`mutation { deleteSnapshot(id: "${id}") { userErrors { code } } }`)).data['deleteSnapshot'];
    await begin(service, id);
    expect(await remove()).toEqual({ userErrors: [{ code: 'IN_PROGRESS' }] });
    await succeed(service, id);
    await service.ask(`mutation { pinSnapshot(id: "${id}") { snapshot { pinned } } }`);
    expect(await remove()).toEqual({ userErrors: [{ code: 'PINNED' }] });
    await service.ask(`mutation { unpinSnapshot(id: "${id}") { snapshot { pinned } } }`);
    expect(await remove()).toEqual({ userErrors: [] });
  });

  test('a failed snapshot has no copy to delete, one that is going may be deleted again', async () => {
    await registered(service, 'gone');
    const remove = async (id: string) => (await service.ask(`mutation { deleteSnapshot(id: "${id}") { userErrors { code message path } } }`)).data['deleteSnapshot'];
    const failing = await requested(service, 'gone');
    await begin(service, failing.id);
    await fail(service, failing.id);
    expect(await remove(failing.id)).toEqual({ userErrors: [{ code: 'CONFLICT', message: expect.stringMatching(/has no stored copy/), path: ['id'] }] });
    const stored = await requested(service, 'gone');
    await begin(service, stored.id);
    await succeed(service, stored.id);
    expect(await remove(stored.id)).toEqual({ userErrors: [] });
    expect(await remove(stored.id)).toEqual({ userErrors: [] });
  });

  test('a target that a policy names cannot be deleted', async () => {
    await service.ask('mutation { createLocalTarget(input: { id: "disk", path: "/disk" }) { target { id } } }');
    await service.ask('mutation { updatePolicy(input: { clusterId: "prod", targetIds: ["disk"] }) { policy { revision } } }');
    const { data } = await service.ask('mutation { deleteTarget(id: "disk") { userErrors { code path } } }');
    expect(data['deleteTarget']).toMatchObject({ userErrors: [{ code: 'TARGET_IN_USE' }] });
  });
});

test('the codes of userErrors are those of the catalogue', () => {
  const type = createApiSchema().getType('UserErrorCode');
  const values = type !== undefined && 'getValues' in type ? type.getValues().map(({ name }) => name) : [];
  expect(values.sort()).toEqual([...userErrorCodes].sort());
});
