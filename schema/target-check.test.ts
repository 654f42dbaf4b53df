// What inputs of targets may hold, field by field, without a service. How they are answered: user-errors.test.ts.
import { describe, expect, test } from '@jest/globals';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { type Encoding, plainEncoding } from '../events/target-events.js';
import { folderPrefix } from './bucket-place.js';
import { type Checked, faultsOf } from './input-faults.js';
import { localCreationChecks, type S3Before, s3CreationChecks, s3UpdateChecks } from './target-check.js';
import { encodingAfter } from './target-encoding.js';
import type { CreateS3TargetInput, UpdateS3TargetInput } from './target-input.js';
import { accessKeyHint, keysAfter } from './target-keys.js';
import { optionsAfter } from './target-settings.js';

const recipient = await identityToRecipient(await generateIdentity());
const identity = await generateIdentity();
const KEY = '-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n';
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n';
const planted = 'hunter2';

const pathsOf = (checks: readonly Checked[]) => faultsOf(checks).map(({ path }) => path?.join('.'));
const creating = (input: Partial<CreateS3TargetInput>) => s3CreationChecks({ id: 's3', bucket: 'backups', ...input });
const before: S3Before = { bucket: 'backups', encoding: plainEncoding, settings: { ...optionsAfter({}), secretRef: 'secret-1' } };
const updating = (input: Partial<UpdateS3TargetInput>, is: Partial<S3Before> = {}) => s3UpdateChecks({ id: 's3', ...input }, { ...before, ...is });

describe('createS3Target names the field at fault', () => {
  test.each<[string, Partial<CreateS3TargetInput>, string]>([
    ['an id that is no slug', { id: 'S3' }, 'id'],
    ['a name with a slash', { name: 'a/b' }, 'name'],
    ...['ab', 'a'.repeat(64), 'Backups', 'back_ups', '-backups', 'backups.', 'back..ups', '10.0.0.1', 'xn--backups', 'mine-s3alias',
      's3://backups', 'arn:aws:s3:::backups', 'https://backups', 'backups/etcd', ''].map((bucket): [string, object, string] => [`a bucket "${bucket}"`, { bucket }, 'bucket']),
    ...['/etcd', '/', '../etcd', 'etcd/..', 'a/./b', 'a//b', 'a//', 'a\\b', 'a\u0007', '.snapkeep-target', 'a/.snapkeep/b', 'a'.repeat(256), 'ä'.repeat(128),
      'abc/'.repeat(129)].map((folder): [string, object, string] => [`a folder "${folder}"`, { folder }, 'folder']),
    ...['eu central', 'eu.central', '-eu', 'eu-', 'https://x'].map((region): [string, object, string] => [`a region "${region}"`, { region }, 'region']),
    ['an endpoint with a path', { endpoint: 'https://minio/backups' }, 'endpoint'],
    ['an endpoint with credentials', { endpoint: `https://root:${planted}@minio` }, 'endpoint'],
    ['a proxy without a scheme', { proxy: 'proxy:3128' }, 'proxy'],
    ['a virtual host that no certificate covers', { bucket: 'my.backups', addressing: 'VIRTUAL_HOST' }, 'addressing'],
    ['an access key alone', { accessKey: planted }, 'accessKey'],
    ['a secret key alone', { secretKey: planted }, 'secretKey'],
    ['an empty access key', { accessKey: '', secretKey: planted }, 'accessKey'],
    ['an empty secret key', { accessKey: planted, secretKey: '' }, 'secretKey'],
    ['a secret key with a line break', { accessKey: planted, secretKey: `${planted}\n` }, 'secretKey'],
    ['a ca that is not PEM', { ca: planted }, 'ca'],
    ['a ca with a private key beside it', { ca: `${CERTIFICATE}${KEY}` }, 'ca'],
    ['a timeout of 0', { requestTimeoutSeconds: 0 }, 'requestTimeoutSeconds'],
    ['a timeout beyond an hour', { requestTimeoutSeconds: 3601 }, 'requestTimeoutSeconds'],
    ['a key of KMS without KMS', { kmsKeyId: 'alias/backups' }, 'kmsKeyId'],
    ['a key of KMS that is empty', { serverSideEncryption: 'KMS', kmsKeyId: '' }, 'kmsKeyId'],
    ['a storage class in small letters', { storageClass: 'standard' }, 'storageClass'],
    ['a level without compression', { compressionLevel: 3 }, 'compressionLevel'],
    ['a level of 0', { compression: 'ZSTD', compressionLevel: 0 }, 'compressionLevel'],
    ['a level of 20', { compression: 'ZSTD', compressionLevel: 20 }, 'compressionLevel'],
    ['a recipient that is none', { ageRecipients: [recipient, 'age1nobody'] }, 'ageRecipients.1'],
    ['a private key as recipient', { ageRecipients: [identity] }, 'ageRecipients.0'],
    ['a recipient named twice', { ageRecipients: [recipient, recipient] }, 'ageRecipients.1'],
    ['21 recipients', { ageRecipients: Array.from({ length: 21 }, () => recipient) }, 'ageRecipients'],
  ])('%s', (_case, input, path) => {
    const faults = faultsOf(creating(input));
    expect(faults).toEqual([{ code: 'INVALID_INPUT', message: expect.any(String), path: path.split('.') }]);
    expect(faults[0]?.message).not.toMatch(new RegExp(`${planted}|${identity}|QUJD`));
  });

  test('all faults of one input come together', () => {
    expect(pathsOf(creating({ id: 'S3', bucket: 'B', endpoint: 'ftp://x', secretKey: 'x' }))).toEqual(['id', 'bucket', 'endpoint', 'secretKey']);
  });

  test.each<[string, Partial<CreateS3TargetInput>]>([
    ['a bucket alone', {}],
    ['nulls and what is empty', { name: null, region: '', endpoint: '', folder: '', accessKey: null, secretKey: null, ca: null, addressing: null, ageRecipients: [] }],
    ['everything', {
      name: 'Offsite', region: 'eu-central-1', endpoint: 'minio:9000', folder: 'etcd/prod/', accessKey: 'minio', secretKey: 'a secret', ca: CERTIFICATE,
      addressing: 'PATH', proxy: 'http://proxy:3128', requestTimeoutSeconds: 3600, checksumMode: 'ALWAYS', serverSideEncryption: 'KMS',
      kmsKeyId: 'arn:aws:kms:eu-central-1:111122223333:key/a', storageClass: 'STANDARD_IA', compression: 'ZSTD', compressionLevel: 19, ageRecipients: [recipient],
    }],
    ['KMS with the account\'s default key', { serverSideEncryption: 'KMS' }],
    ['a dotted bucket by path', { bucket: 'my.backups', addressing: 'PATH' }],
    ['a dotted bucket as a virtual host without TLS', { bucket: 'my.backups', addressing: 'VIRTUAL_HOST', endpoint: 'http://minio' }],
    ['a folder with room to spare', { folder: `${'a'.repeat(255)}/${'b'.repeat(255)}` }],
  ])('accepts %s', (_case, input) => {
    expect(faultsOf(creating(input))).toEqual([]);
  });
});

test('a local target takes the same encoding', () => {
  const local = { id: 'nas', path: '/mnt/nas' };
  expect(pathsOf(localCreationChecks({ ...local, compressionLevel: 3, ageRecipients: ['x'] }))).toEqual(['compressionLevel', 'ageRecipients.0']);
  expect(pathsOf(localCreationChecks({ ...local, compression: 'ZSTD', compressionLevel: 3, ageRecipients: [recipient] }))).toEqual([]);
});

describe('updateS3Target is checked on what is to be', () => {
  const without = { settings: { ...before.settings, secretRef: null } };
  test.each<[string, Partial<UpdateS3TargetInput>, Partial<S3Before>, string[]]>([
    ['one key without the other', { accessKey: 'x' }, {}, ['accessKey']],
    ['one key cleared without the other', { accessKey: null }, {}, ['accessKey']],
    ['one key cleared, the other given', { accessKey: null, secretKey: 'x' }, {}, ['secretKey']],
    ['both keys cleared', { accessKey: null, secretKey: null }, {}, []],
    ['IAM instead of keys', { useIam: true }, {}, []],
    ['IAM together with keys', { useIam: true, accessKey: 'x', secretKey: 'y' }, {}, ['useIam']],
    ['keys instead of IAM, where keys are', { useIam: false }, {}, []],
    ['keys instead of IAM, where none are', { useIam: false }, without, ['useIam']],
    ['keys instead of IAM, and cleared at once', { useIam: false, accessKey: null, secretKey: null }, {}, ['useIam']],
    ['keys instead of IAM, given at once', { useIam: false, accessKey: 'x', secretKey: 'y' }, without, []],
    ['a level where the compression is already', { compressionLevel: 7 }, { encoding: { ...plainEncoding, compression: 'ZSTD' } }, []],
    ['a level with the compression cleared', { compression: null, compressionLevel: 7 }, { encoding: { ...plainEncoding, compression: 'ZSTD' } }, ['compressionLevel']],
    ['a key of KMS where KMS is already', { kmsKeyId: 'k' }, { settings: { ...before.settings, serverSideEncryption: 'KMS' } }, []],
    ['a virtual host for a bucket with dots', { addressing: 'VIRTUAL_HOST' }, { bucket: 'my.backups' }, ['addressing']],
  ])('%s', (_case, input, is, paths) => {
    expect(pathsOf(updating(input, is))).toEqual(paths);
  });
});

describe('once an input has taken effect', () => {
  const given = optionsAfter({
    region: 'eu-central-1', endpoint: 'minio:9000', addressing: 'PATH', ca: CERTIFICATE, proxy: 'http://Proxy:3128/', requestTimeoutSeconds: 5,
    checksumMode: 'ALWAYS', serverSideEncryption: 'KMS', kmsKeyId: 'k', storageClass: 'GLACIER_IR',
  });
  test('addresses are URLs without an end', () => {
    expect(given).toMatchObject({ endpoint: 'https://minio:9000', proxy: 'http://proxy:3128' });
  });
  test('what is left out is kept', () => {
    expect(optionsAfter({}, given)).toEqual(given);
    const encoding: Encoding = { compression: 'ZSTD', compressionLevel: 9, ageRecipients: [recipient] };
    expect(encodingAfter({}, encoding)).toEqual(encoding);
  });
  test('null clears, or goes back to the default', () => {
    const nulls = {
      region: null, endpoint: null, addressing: null, ca: null, proxy: null, requestTimeoutSeconds: null, checksumMode: null,
      serverSideEncryption: null, kmsKeyId: null, storageClass: null,
    };
    expect(optionsAfter(nulls, given)).toEqual({
      region: null, endpoint: null, addressing: 'AUTO', ca: null, proxy: null, requestTimeoutSeconds: 60, checksumMode: 'AUTO',
      serverSideEncryption: 'NONE', kmsKeyId: null, storageClass: null,
    });
    expect(optionsAfter({ endpoint: '', region: '' }, given)).toMatchObject({ endpoint: null, region: null });
    expect(encodingAfter({ compression: null, ageRecipients: null }, { compression: 'ZSTD', compressionLevel: 9, ageRecipients: [recipient] })).toEqual(plainEncoding);
  });
  test('a key of KMS goes with KMS', () => {
    expect(optionsAfter({ serverSideEncryption: 'S3' }, given)).toMatchObject({ serverSideEncryption: 'S3', kmsKeyId: null });
  });
  test.each([['', ''], [null, ''], ['etcd', 'etcd/'], ['etcd/prod/', 'etcd/prod/']])('the folder %j is the prefix "%s"', (folder, prefix) => {
    expect(folderPrefix(folder)).toBe(prefix);
  });
  test('keys are replaced, cleared or kept, both of them', () => {
    expect(keysAfter({ accessKey: 'x', secretKey: 'y' })).toEqual({ accessKey: 'x', secretKey: 'y' });
    expect([keysAfter({ useIam: true }), keysAfter({ accessKey: null, secretKey: null }), keysAfter({ useIam: false }), keysAfter({})]).toEqual([null, null, undefined, undefined]);
  });
  test.each([['AKIAIOSFODNN7EXAMPLE', 'MPLE'], ['12345678', '5678'], ['1234567', null]])('of the access key %s the hint is %s', (accessKey, hint) => {
    expect(accessKeyHint({ accessKey, secretKey: 'y' })).toBe(hint);
  });
});
