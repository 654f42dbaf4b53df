import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import type { FailureStep } from '../../events/error-codes.js';
import { StepFailure } from '../snapshots/step-failure.js';
import { bucketFailure, explainBucketError } from './bucket-failure.s3.js';
import type { FailureContext } from './bucket-failure.s3.js';

const context: FailureContext = {
  bucket: 'backups', host: 'minio.example:9000', proxyHost: null, region: 'us-east-1', customCa: false, ownKeys: true, secrets: ['planted-secret'],
};
const answered = (name: string, httpStatusCode: number, more: object = {}): Error =>
  Object.assign(new Error('what the store says'), { name, $metadata: { httpStatusCode, requestId: 'tx-1' } }, more);
const broke = (code: string, name = 'Error'): Error => Object.assign(new Error(`${code} happened`), { name, code });
const explain = (error: unknown, step: FailureStep = 'COMMIT', more: Partial<FailureContext> = {}) =>
  explainBucketError(step, 'Storing s3://backups/k', error, { ...context, ...more });

describe('what is said becomes a code', () => {
  test.each<[string, Error, string]>([
    ...['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH'].map((code): [string, Error, string] => [code, broke(code), 'UNREACHABLE']),
    ['a timeout', broke('', 'TimeoutError'), 'UNREACHABLE'],
    ['a proxy that wants a password', answered('Unknown', 407), 'UNREACHABLE'],
    ['a gateway without a store behind it', answered('Unknown', 502), 'UNREACHABLE'],
    ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'EPROTO']
      .map((code): [string, Error, string] => [code, broke(code), 'TLS']),
    ['a chain without credentials', broke('', 'CredentialsProviderError'), 'CREDENTIALS_MISSING'],
    ...['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken'].map((name): [string, Error, string] => [name, answered(name, 403), 'CREDENTIALS_REFUSED']),
    ['a clock', answered('RequestTimeTooSkewed', 403), 'CLOCK_SKEW'],
    ['a denial', answered('AccessDenied', 403), 'ACCESS_DENIED'],
    ['an archived object', answered('InvalidObjectState', 403), 'ACCESS_DENIED'],
    ['a KMS key that is disabled', answered('KMS.DisabledException', 400), 'ACCESS_DENIED'],
    ['a missing bucket', answered('NoSuchBucket', 404), 'BUCKET_MISSING'],
    ['a redirect', answered('PermanentRedirect', 301), 'REGION_WRONG'],
    ['a signature for another region', answered('AuthorizationHeaderMalformed', 400), 'REGION_WRONG'],
    ['a quota', answered('QuotaExceeded', 403), 'BUCKET_FULL'],
    ['a full disk of the store', answered('XMinioStorageFull', 507), 'BUCKET_FULL'],
    ['too many requests', answered('SlowDown', 503), 'SLOW_DOWN'],
    ['429', answered('Unknown', 429), 'SLOW_DOWN'],
    ['a condition that does not hold', answered('PreconditionFailed', 412), 'COPY_EXISTS'],
    ['a missing key', answered('NoSuchKey', 404), 'COPY_MISSING'],
    ['a missing upload', answered('NoSuchUpload', 404), 'STORE_FAILED'],
    ['an internal error', answered('InternalError', 500), 'STORE_FAILED'],
    ['what no one knows', new Error('?'), 'STORE_FAILED'],
  ])('%s', (_, error, code) => {
    const explained = explain(error);
    expect(explained).toMatchObject({ code, what: expect.stringMatching(/^Storing s3:\/\/backups\/k failed: .+\.$/) });
    expect(explained.remedy).toMatch(/^[A-Z].*\.$/);
  });

  test('a lock is one only where something was to be removed', () => {
    const locked = answered('AccessDenied', 403, { message: 'Access Denied because object protected by object lock.' });
    expect(explain(locked, 'REMOVE').code).toBe('OBJECT_LOCKED');
    expect(explain(locked, 'COMMIT').code).toBe('ACCESS_DENIED');
  });
});

test('the message names the answer, its request and the remedy', () => {
  const { message, step } = bucketFailure('READ', 'Reading s3://backups/k', answered('InternalError', 500), context);
  expect({ step, message }).toEqual({
    step: 'READ',
    message: 'Reading s3://backups/k failed: minio.example:9000 answered InternalError (HTTP 500, request tx-1): what the store says. '
      + 'It is tried again later. If it lasts, ask whoever runs the store, with the id of the request.',
  });
});

test('a failure that is one already stays as it is', () => {
  const failure = new StepFailure('VERIFY', 'HASH_MISMATCH', 'not what etcd sent');
  expect(bucketFailure('COMMIT', 'Storing', failure, context)).toBe(failure);
});

test('a connection tried at several addresses tells of the first', () => {
  const error = Object.assign(new AggregateError([broke('ECONNREFUSED')]), { code: 'ECONNREFUSED' });
  expect(explain(error).what).toBe('Storing s3://backups/k failed: ECONNREFUSED: ECONNREFUSED happened.');
});

test('secrets are taken out, also of what the store repeats', () => {
  const echo = answered('AccessDenied', 403, { message: 'planted-secret may not' });
  expect(JSON.stringify(explain(echo))).not.toContain('planted-secret');
});

test('secrets are taken out of the cause too, which logs print with its stack', () => {
  const nested = Object.assign(new Error('planted-secret came'), { sent: 'planted-secret' });
  const echo = Object.assign(answered('AccessDenied', 403, { $response: { body: 'planted-secret' } }), { cause: nested });
  echo.message = 'No such key: planted-secret';
  echo.stack = `AccessDenied: ${echo.message}\n    at where it came from`;
  const printed = inspect(bucketFailure('REMOVE', 'Clearing s3://backups/k', echo, context), { depth: null, showHidden: true });
  expect(printed).not.toContain('planted-secret');
  expect(printed).toMatch(/AccessDenied: No such key: …\s+at where it came from/);
});

test.each<[string, Error, Partial<FailureContext>, RegExp]>([
  ['both clocks', answered('RequestTimeTooSkewed', 403, { $response: { headers: { date: 'Mon, 23 Nov 2026 10:00:00 GMT' } } }), {}, /says Mon, 23 Nov 2026 10:00:00 GMT, ours \w+/],
  ["the bucket's region", answered('301', 301, { $response: { headers: { 'x-amz-bucket-region': 'eu-west-3' } } }), {}, /us-east-1.*to eu-west-3, or to none/],
  ['which CA was trusted', broke('SELF_SIGNED_CERT_IN_CHAIN'), { customCa: true }, /Only the target's own CA is trusted/],
  ['the storage class', answered('InvalidStorageClass', 400), {}, /set the target's storage class to one that it has, or to none/],
  ['what may have been wrong where the store does not say', answered('InvalidArgument', 400), {}, /storage class and encryption/],
  ['the proxy', broke('ECONNREFUSED'), { proxyHost: 'proxy:3128' }, /minio\.example:9000 through the proxy proxy:3128 is up/],
  ['whose credentials', answered('InvalidAccessKeyId', 403), { ownKeys: false }, /credentials that this process found/],
  ['where credentials were looked for', broke('', 'CredentialsProviderError'), { ownKeys: false }, /AWS_ACCESS_KEY_ID.*web identity.*container.*instance metadata/],
])('a remedy names %s', (_, error, more, remedy) => {
  expect(explain(error, 'COMMIT', more).remedy).toMatch(remedy);
});
