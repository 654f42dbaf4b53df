// The keys of S3 targets are in the vault and nowhere else, and no value outlives the event that refers to it.
// How a cluster's are kept: cluster-secrets.test.ts.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SnapkeepError } from '../events/errors.js';
import { type Service, startService } from './service.fixture.js';

let service: Service;
beforeEach(async () => {
  service = await startService();
});
afterEach(() => service.stop());

const keys = { accessKey: 'PLANTEDACCESSKEY', secretKey: 'planted-secret-key' };
const others = { accessKey: 'PLANTEDOTHERKEY', secretKey: 'planted-other-secret' };
const planted = [keys, others].flatMap(({ accessKey, secretKey }) => [accessKey, secretKey]);
const answers: string[] = [];

async function send(mutation: string, input: object): Promise<unknown> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
  const answer = await service.ask<{ answer: { userErrors: object[] } }>(
    `mutation ($input: ${type}!) { answer: ${mutation}(input: $input) { target { id ... on S3Target { accessKeyHint } } userErrors { code message path } } }`, { input },
  );
  answers.push(JSON.stringify(answer));
  return answer.data?.answer.userErrors;
}
const create = (given: object = keys) => send('createS3Target', { id: 'offsite', bucket: 'backups', ...given });
const update = (input: object) => send('updateS3Target', { id: 'offsite', ...input });

async function kept(): Promise<object | null> {
  const state = await service.commands.targetState('offsite');
  return state.kind === 'S3' && state.settings.secretRef !== null ? service.vault.get(state.settings.secretRef) : null;
}

test('keys are in the vault and nowhere else, also those that were refused or replaced', async () => {
  answers.length = 0;
  expect(await create()).toEqual([]);
  expect(await kept()).toEqual(keys);
  expect(await create(others)).toMatchObject([{ code: 'ALREADY_EXISTS' }]);
  expect(await update({ ...others, endpoint: `https://${others.secretKey}@minio` })).toMatchObject([{ path: ['endpoint'] }]);
  expect(await update({ accessKey: [others.accessKey], secretKey: { is: others.secretKey } })).toBeUndefined();
  expect(await update({ ...others, addressing: others.secretKey })).toBeUndefined();
  expect(await update(others)).toEqual([]);
  answers.push(JSON.stringify(await service.ask('{ targets { id name ... on S3Target { accessKeyHint credentials } } }')));
  const files = await Promise.all((await readdir(service.directory)).map((file) => readFile(join(service.directory, file), 'latin1')));
  const written = [...answers, ...service.logged, ...files].join('\n');
  expect(written).toContain('RKEY');
  for (const secret of planted) expect(written).not.toContain(secret);
});

test('the keys of a refused command are destroyed', async () => {
  await create();
  expect(await send('createS3Target', { id: 'offsite', bucket: 'other-backups', ...others })).toMatchObject([{ code: 'ALREADY_EXISTS' }]);
  expect(await service.vault.refs()).toHaveLength(1);
  expect(await kept()).toEqual(keys);
});

test('replaced keys are destroyed, those that are left out are kept', async () => {
  await create();
  const before = await service.vault.refs();
  expect(await update({ region: 'eu-central-1' })).toEqual([]);
  expect(await service.vault.refs()).toEqual(before);
  expect(await update(others)).toEqual([]);
  expect(await kept()).toEqual(others);
  const after = await service.vault.refs();
  expect(after).toHaveLength(1);
  expect(after).not.toEqual(before);
});

test.each([{ useIam: true }, { accessKey: null, secretKey: null }])('%j clears the keys', async (input) => {
  await create();
  expect(await update(input)).toEqual([]);
  expect(await kept()).toBeNull();
  expect(await service.vault.refs()).toEqual([]);
});

test('the vault holds nothing of a target without keys', async () => {
  await create({});
  expect(await service.vault.refs()).toEqual([]);
});

test('while a change is in doubt, both the old and the new keys stay', async () => {
  await create();
  const [stored] = await service.vault.refs();
  const { commands, directory } = service;
  await service.stop({ keepFiles: true });
  service = await startService({ directory, dependencies: { commands: {
    ...commands,
    targetState: (id) => service.commands.targetState(id),
    executeTarget: () => Promise.reject(new SnapkeepError('IN_DOUBT', 'the log did not answer')),
  } } });
  expect(await update(others)).toMatchObject([{ code: 'IN_DOUBT' }]);
  expect(await service.vault.refs()).toEqual([stored, expect.any(String)]);
});

test('changes at the same time leave the target with the keys it refers to', async () => {
  await service.stop();
  // Slow enough for the other changes to arrive meanwhile.
  service = await startService({ wrapVault: (vault) => ({ ...vault, put: async (ref, secret) => {
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
    await vault.put(ref, secret);
  } }) });
  await create();
  const changes = [update(others), update({ region: 'eu-central-1' }), update(keys), update({ name: 'Offsite' })];
  for (const errors of await Promise.all(changes)) expect(errors).toEqual([]);
  expect(Object.keys(await kept() ?? {})).toEqual(['accessKey', 'secretKey']);
  expect(await service.vault.refs()).toHaveLength(1);
});
