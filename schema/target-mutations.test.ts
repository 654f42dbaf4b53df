import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { TargetCheck } from '../services/targets/target-check.js';
import { begin, registered, requested, type Service, startService, succeed } from './service.fixture.js';

let service: Service;
beforeEach(async () => {
  service = await startService();
});
afterEach(() => service.stop());

const fields = `target {
  __typename id name kind compression compressionLevel ageRecipients ... on LocalTarget { path }
  ... on S3Target {
    bucket region endpoint folder addressing credentials accessKeyHint hasCustomCa
    proxy requestTimeoutSeconds checksumMode serverSideEncryption kmsKeyId storageClass
  }
} userErrors { code message path }`;

async function send(mutation: string, input: object): Promise<object> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
  const { data, errors } = await service.ask<{ answer: { target: object; userErrors: object[] } }>(
    `mutation ($input: ${type}!) { answer: ${mutation}(input: $input) { ${fields} } }`, { input },
  );
  expect([errors, data.answer.userErrors]).toEqual([undefined, []]);
  return data.answer.target;
}
const update = (input: object) => send('updateS3Target', { id: 'offsite', ...input });

const CA = '-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n';
const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const bare = {
  __typename: 'S3Target', id: 'offsite', name: 'offsite', kind: 'S3', compression: 'NONE', compressionLevel: null, ageRecipients: [],
  bucket: 'backups', region: null, endpoint: null, folder: null, addressing: 'AUTO', credentials: 'IAM', accessKeyHint: null, hasCustomCa: false,
  proxy: null, requestTimeoutSeconds: 60, checksumMode: 'AUTO', serverSideEncryption: 'NONE', kmsKeyId: null, storageClass: null,
};
const options = {
  region: 'eu-central-1', endpoint: 'minio:9000', addressing: 'PATH', accessKey: 'AKIAIOSFODNN7EXAMPLE', secretKey: 'secret', ca: CA,
  proxy: 'http://proxy:3128', requestTimeoutSeconds: 30, checksumMode: 'ALWAYS', serverSideEncryption: 'KMS', kmsKeyId: 'alias/backups',
  storageClass: 'STANDARD_IA', compression: 'ZSTD', compressionLevel: 9, ageRecipients: [recipient],
};
const full = {
  ...bare, name: 'Offsite', folder: 'etcd/', region: 'eu-central-1', endpoint: 'https://minio:9000', addressing: 'PATH', credentials: 'KEYS',
  accessKeyHint: 'MPLE', hasCustomCa: true, proxy: 'http://proxy:3128', requestTimeoutSeconds: 30, checksumMode: 'ALWAYS',
  serverSideEncryption: 'KMS', kmsKeyId: 'alias/backups', storageClass: 'STANDARD_IA', compression: 'ZSTD', compressionLevel: 9, ageRecipients: [recipient],
};
const createFull = () => send('createS3Target', { id: 'offsite', name: 'Offsite', bucket: 'backups', folder: 'etcd', ...options });

describe('an S3 target', () => {
  test('needs a bucket and nothing else', async () => {
    expect(await send('createS3Target', { id: 'offsite', bucket: 'backups' })).toEqual(bare);
  });

  test('shows all of its options, the list and a single target alike, and policies may name it', async () => {
    expect(await createFull()).toEqual(full);
    const { data } = await service.ask('{ targets { id kind ... on S3Target { bucket } } target(id: "offsite") { __typename name } }');
    expect(data).toEqual({
      targets: [{ id: 'local', kind: 'LOCAL' }, { id: 'offsite', kind: 'S3', bucket: 'backups' }], target: { __typename: 'S3Target', name: 'Offsite' },
    });
    const policy = await service.ask(`mutation { registerCluster(input: { id: "prod", endpoints: ["http://127.0.0.1:2379"]
      policy: { targetIds: ["local", "offsite"] } }) { cluster { policy { targets { __typename id } } } } }`);
    expect(policy.data).toMatchObject({ registerCluster: { cluster: { policy: { targets: [{ __typename: 'LocalTarget' }, { __typename: 'S3Target' }] } } } });
  });

  test('keeps what a change leaves out', async () => {
    await createFull();
    expect(await update({ storageClass: 'GLACIER_IR' })).toEqual({ ...full, storageClass: 'GLACIER_IR' });
    expect(await update({ ageRecipients: [] })).toEqual({ ...full, storageClass: 'GLACIER_IR', ageRecipients: [] });
  });

  test('loses what a change clears, but never its bucket and folder', async () => {
    await createFull();
    const nulls = Object.fromEntries(Object.keys(options).map((name) => [name, null]));
    expect(await update({ name: null, ...nulls })).toEqual({ ...bare, folder: 'etcd/' });
  });

  test('takes IAM in the place of keys, and keys in that of IAM', async () => {
    await createFull();
    expect(await update({ useIam: true })).toEqual({ ...full, credentials: 'IAM', accessKeyHint: null });
    expect(await update({ accessKey: 'minio', secretKey: 'minio-secret' })).toEqual({ ...full, credentials: 'KEYS', accessKeyHint: null });
  });

  test('writes nothing where nothing changes', async () => {
    await createFull();
    const head = await service.store.head();
    expect(await update({ name: 'Offsite', region: 'eu-central-1', endpoint: 'https://minio:9000/' })).toEqual(full);
    expect(await service.store.head()).toBe(head);
  });

  test('is retired while its keys stay, since its copies stay readable', async () => {
    await createFull();
    const { data } = await service.ask('mutation { deleteTarget(id: "offsite") { target { id kind } userErrors { code } } }');
    expect(data).toEqual({ deleteTarget: { target: { id: 'offsite', kind: 'S3' }, userErrors: [] } });
    expect((await service.ask('{ targets { id } }')).data).toEqual({ targets: [{ id: 'local' }] });
    expect(await service.vault.refs()).toHaveLength(1);
  });
});

test('a local target is given another name and encoding, and loses them again', async () => {
  const created = { __typename: 'LocalTarget', id: 'nas', name: 'nas', kind: 'LOCAL', path: '/mnt/nas', compression: 'ZSTD', compressionLevel: 3, ageRecipients: [] };
  expect(await send('createLocalTarget', { id: 'nas', path: '/mnt/nas', compression: 'ZSTD' })).toEqual(created);
  expect(await send('updateLocalTarget', { id: 'nas', name: 'NAS', ageRecipients: [recipient] })).toEqual({ ...created, name: 'NAS', ageRecipients: [recipient] });
  expect(await send('updateLocalTarget', { id: 'nas', name: null, compression: null, ageRecipients: null }))
    .toEqual({ ...created, compression: 'NONE', compressionLevel: null });
});

test('an answer from the ledger shows an S3 target too', async () => {
  await service.stop();
  service = await startService({ isProjecting: false, config: { readWaitMs: 1 } });
  expect(await createFull()).toEqual(full);
});

describe('testTarget', () => {
  const checks: readonly (TargetCheck & { readonly ranOn: string })[] = [
    { ranOn: 'n1', name: 'name resolves', ok: true, message: '10.0.0.1', remedy: null },
    { ranOn: 'n1', name: 'connects', ok: false, message: 'nobody listens at minio:9000', remedy: 'start the store, or correct the endpoint' },
  ];
  test('answers with each check and its remedy, of retired targets and of local too', async () => {
    await service.stop();
    const tested: string[] = [];
    service = await startService({ dependencies: {
      testTarget: async (targetId) => {
        tested.push(targetId);
        return checks;
      },
    } });
    await createFull();
    await service.ask('mutation { deleteTarget(id: "offsite") { userErrors { code } } }');
    for (const id of ['offsite', 'local']) {
      const { data } = await service.ask(`mutation { testTarget(id: "${id}") { checks { ranOn name ok message remedy } userErrors { code } } }`);
      expect(data).toEqual({ testTarget: { checks, userErrors: [] } });
    }
    expect(tested).toEqual(['offsite', 'local']);
  });
  test('of an unknown id is not tried', async () => {
    await service.stop();
    service = await startService({ dependencies: { testTarget: () => Promise.reject(new Error('tried')) } });
    const { data } = await service.ask('mutation { testTarget(id: "none") { checks { name } userErrors { code message path } } }');
    expect(data).toEqual({ testTarget: { checks: [], userErrors: [{ code: 'NOT_FOUND', message: expect.stringContaining('none'), path: ['id'] }] } });
  });
});

test('a copy says how it is encoded', async () => {
  await registered(service, 'prod');
  const { id } = await requested(service, 'prod');
  const copies = async () => (await service.ask(`{ snapshot(id: "${id}") { copies { state encoding } } }`)).data;
  expect(await copies()).toEqual({ snapshot: { copies: [{ state: 'PENDING', encoding: [] }] } });
  await begin(service, id);
  await succeed(service, id, ['local'], ['zstd', 'age']);
  await service.projector.waitFor(await service.store.head() ?? '', 5000);
  expect(await copies()).toEqual({ snapshot: { copies: [{ state: 'STORED', encoding: ['zstd', 'age'] }] } });
});
