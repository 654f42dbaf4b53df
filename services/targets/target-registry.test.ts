import { expect, test } from '@jest/globals';
import type { S3Settings } from '../../events/target-events.js';
import { plainEncoding } from '../../events/target-events.js';
import type { S3TargetState } from '../ledger/target-state.js';
import type { S3Keys } from './target-registry.js';
import { targetRegistry } from './target-registry.js';
import type { Target } from './target.js';

const settings: S3Settings = {
  region: 'eu-west-3', endpoint: null, addressing: 'AUTO', ca: null, proxy: null, requestTimeoutSeconds: 30, checksumMode: 'AUTO',
  serverSideEncryption: 'NONE', kmsKeyId: null, storageClass: null, accessKeyHint: null, secretRef: 'secret-1',
};
const bucket: S3TargetState = {
  targetId: 'cold', name: 'Cold', kind: 'S3', bucket: 'backups', folder: '', encoding: plainEncoding, retired: false, settings,
};
const target = {} as Target;

function opening() {
  let state: S3TargetState = bucket;
  const opened: (S3Keys | null)[] = [];
  const secrets = new Map([['secret-1', { accessKey: 'AKIA1', secretKey: 'one' }], ['secret-2', { accessKey: 'AKIA2', secretKey: 'two' }]]);
  const registry = targetRegistry({
    commands: { targetState: async () => state }, vault: { get: async (ref) => secrets.get(ref) ?? null }, localPath: '/snapshots',
    openLocal: () => target,
    openS3: async (_place, keys) => {
      opened.push(keys);
      return target;
    },
  });
  const change = (to: Partial<S3TargetState>): void => { state = { ...state, ...to }; };
  return { registry, opened, change };
}

test('a bucket is opened once while its settings are the same, and anew with keys that were saved again', async () => {
  const { registry, opened, change } = opening();
  await registry.openTarget('cold');
  change({ name: 'Colder' });
  await registry.openForWriting('cold');
  expect(opened).toEqual([{ accessKeyId: 'AKIA1', secretAccessKey: 'one' }]);
  change({ settings: { ...settings, secretRef: 'secret-2' } });
  await registry.openTarget('cold');
  expect(opened).toEqual([{ accessKeyId: 'AKIA1', secretAccessKey: 'one' }, { accessKeyId: 'AKIA2', secretAccessKey: 'two' }]);
});

test('the credential chain is used where no keys are saved, and keys that the vault has lost are named with the remedy', async () => {
  const { registry, opened, change } = opening();
  change({ settings: { ...settings, secretRef: null } });
  await registry.openTarget('cold');
  expect(opened).toEqual([null]);
  change({ settings: { ...settings, secretRef: 'gone' } });
  await expect(registry.openTarget('cold')).rejects.toMatchObject({ code: 'SECRET_MISSING', message: expect.stringContaining('updateS3Target') });
});

test('a retired target is opened for what it holds, and takes no more copies', async () => {
  const { registry, change } = opening();
  change({ retired: true });
  await expect(registry.openTarget('cold')).resolves.toBe(target);
  await expect(registry.openForWriting('cold')).rejects.toMatchObject({ code: 'TARGET_RETIRED' });
});
