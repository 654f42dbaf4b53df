import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Service, startService } from './service.fixture.js';

let service: Service;
beforeEach(async () => {
  service = await startService();
});
afterEach(() => service.stop());

const pem = (label: string, body: string): string => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const planted = ['UExBTlRFREtFWQ', 'planted-password', 'planted-second'];
const credentials = {
  clientCertificate: pem('CERTIFICATE', 'QUJD'), clientKey: pem('PRIVATE KEY', planted[0] ?? ''), username: 'root', password: planted[1],
};

async function send(mutation: string, input: object): Promise<unknown> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
  const { data } = await service.ask<{ answer: { userErrors: object[] } }>(
    `mutation ($input: ${type}!) { answer: ${mutation}(input: $input) { userErrors { code message path } } }`, { input },
  );
  return data.answer.userErrors;
}
const register = (id: string) => send('registerCluster', { id, endpoints: ['http://127.0.0.1:2379'], ...credentials });
const update = (input: object) => send('updateCluster', { id: 'prod', ...input });

async function kept(): Promise<unknown> {
  const { connection } = await service.commands.clusterState('prod');
  return connection.secretRef === null ? null : service.vault.get(connection.secretRef);
}

test('secrets are in the vault and nowhere else', async () => {
  await register('prod');
  expect(await kept()).toEqual({ clientKey: credentials.clientKey, password: credentials.password });
  const { data } = await service.ask('{ history(clusterId: "prod") { nodes { summary data } } cluster(id: "prod") { name } }');
  const files = await Promise.all((await readdir(service.directory)).map((file) => readFile(join(service.directory, file), 'latin1')));
  const written = [JSON.stringify(data), ...service.logged, ...files].join('\n');
  for (const secret of planted) expect(written).not.toContain(secret);
});

test('the secret of a refused command is destroyed', async () => {
  await register('prod');
  expect(await register('prod')).toMatchObject([{ code: 'ALREADY_EXISTS' }]);
  expect(await service.vault.refs()).toHaveLength(1);
});

test('a replaced secret is destroyed, what is left out is kept', async () => {
  await register('prod');
  const before = await service.vault.refs();
  expect(await update({ username: 'root', password: planted[2] })).toEqual([]);
  expect(await kept()).toEqual({ clientKey: credentials.clientKey, password: planted[2] });
  const after = await service.vault.refs();
  expect(after).toHaveLength(1);
  expect(after).not.toEqual(before);
  expect(await update({ name: 'Production' })).toEqual([]);
  expect(await service.vault.refs()).toEqual(after);
});

test('null clears, and clearing a user clears its password', async () => {
  await register('prod');
  expect(await update({ username: null, clientCertificate: null })).toEqual([]);
  expect(await kept()).toBeNull();
  expect(await service.vault.refs()).toEqual([]);
});

test.each([
  [{ clientKey: pem('PRIVATE KEY', 'QUJD') }, 'clientKey'],
  [{ clientKey: null }, 'clientCertificate'],
  [{ password: 'alone' }, 'password'],
  [{ password: null }, 'username'],
])('%j does not go alone', async (input, path) => {
  await register('prod');
  expect(await update(input)).toMatchObject([{ code: 'INVALID_INPUT', path: [path] }]);
});

test('changes at the same time leave the cluster with the secret it refers to', async () => {
  await register('prod');
  await Promise.all([
    update({ username: 'root', password: 'one' }), update({ endpoints: ['http://127.0.0.1:2380'] }), update({ username: 'root', password: 'two' }),
  ]);
  expect(await kept()).toMatchObject({ clientKey: credentials.clientKey });
  expect(await service.vault.refs()).toHaveLength(1);
});

test('a change of another process at the same time is not undone, and the cluster keeps the secret it refers to', async () => {
  await register('prod');
  const get = service.vault.get.bind(service.vault);
  const other = { ...(await service.commands.clusterState('prod')).connection, endpoints: ['http://127.0.0.1:2380'], secretRef: 'of-another' };
  await service.vault.put('of-another', { password: 'of-another' });
  service.vault.get = async (ref) => {
    const cause = { actor: 'other', correlationId: 'other', causationId: 'other' };
    await service.commands.executeCluster('prod', { type: 'UpdateCluster', connection: other }, cause);
    return get(ref);
  };
  const answer = [{ code: 'CONFLICT', path: null, message: expect.stringContaining('send this change again') }];
  expect(await update({ username: 'root', password: planted[2] })).toEqual(answer);
  expect(await get('of-another')).not.toBeNull();
  expect((await service.commands.clusterState('prod')).connection).toEqual(other);
});

test('a removed cluster leaves no secret behind', async () => {
  await register('prod');
  expect(await service.vault.refs()).toHaveLength(1);
  await service.ask('mutation { removeCluster(id: "prod") { userErrors { code } } }');
  expect(await service.vault.refs()).toEqual([]);
});
