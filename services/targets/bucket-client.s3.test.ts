import { expect, test } from '@jest/globals';
import type { S3Settings } from '../../events/target-events.js';
import { encryptionOf, openBucket, usesPathStyle } from './bucket-client.s3.js';

const settings: S3Settings = {
  region: 'eu-west-3', endpoint: null, addressing: 'AUTO', ca: null, proxy: null, requestTimeoutSeconds: 30, checksumMode: 'AUTO',
  serverSideEncryption: 'NONE', kmsKeyId: null, storageClass: null, accessKeyHint: null, secretRef: null,
};
const endpoint = 'https://minio.example:9000';
const open = (more: Partial<S3Settings>) => openBucket({ bucket: 'backups', folder: '', settings: { ...settings, ...more }, keys: null });

test.each<[string, Partial<S3Settings>, boolean]>([
  ['backups', {}, false], ['backups.example', {}, true], ['backups', { endpoint }, true],
  ['backups', { addressing: 'PATH' }, true], ['backups.example', { addressing: 'VIRTUAL_HOST' }, false], ['backups', { endpoint, addressing: 'VIRTUAL_HOST' }, false],
])('the bucket %s with %j is addressed by path: %s', (bucket, more, byPath) => {
  expect(usesPathStyle(bucket, { ...settings, ...more })).toBe(byPath);
});

test.each<[Partial<S3Settings>, object]>([
  [{}, {}],
  [{ serverSideEncryption: 'S3' }, { ServerSideEncryption: 'AES256' }],
  [{ serverSideEncryption: 'KMS' }, { ServerSideEncryption: 'aws:kms' }],
  [{ serverSideEncryption: 'KMS', kmsKeyId: 'key-1' }, { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1' }],
])('encryption as %j', (more, params) => {
  expect(encryptionOf({ ...settings, ...more })).toEqual(params);
});

test.each<[Partial<S3Settings>, string]>([
  [{}, 'WHEN_SUPPORTED'], [{ endpoint }, 'WHEN_REQUIRED'], [{ checksumMode: 'WHEN_REQUIRED' }, 'WHEN_REQUIRED'], [{ endpoint, checksumMode: 'ALWAYS' }, 'WHEN_SUPPORTED'],
])('checksums with %j are sent %s', async (more, mode) => {
  const { config } = open(more).client();
  expect([await config.requestChecksumCalculation(), await config.responseChecksumValidation()]).toEqual([mode, mode]);
  expect(await config.maxAttempts()).toBe(3);
});

test('a region that is set is asked of no one', async () => {
  expect(await open({ endpoint: 'http://127.0.0.1:1' }).region()).toBe('eu-west-3');
});
