// The ways to a store and what is said where one is closed: TLS with a CA of one's own, proxies, regions, keys, names; by copy and by check.
// Faults in the middle of a copy are in s3-faults.test.ts.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Settings } from '../events/target-events.js';
import { wholeSource } from '../services/targets/copy-source.fixture.js';
import type { TargetCheck } from '../services/targets/target-check.js';
import { FIRST, SECOND } from '../services/targets/target.contract.js';
import type { Target } from '../services/targets/target.js';
import { s3Target } from '../services/targets/target.s3.js';
import { startForwardProxy } from './forward-proxy.js';
import type { ForwardProxy } from './forward-proxy.js';
import { makeBucket, settingsFor } from './s3-bucket.js';
import type { TestBucket } from './s3-bucket.js';
import { startS3FaultProxy } from './s3-fault-proxy.js';
import type { S3Fault, S3FaultProxy } from './s3-fault-proxy.js';
import { s3Suite } from './s3-suite.js';
import { createTlsCertificates } from './tls-certificates.js';
import type { TlsCertificates } from './tls-certificates.js';

const CONTENT = Buffer.alloc(9 * 1024 * 1024, 'database');
const never = new AbortController().signal;

await s3Suite('Ways to S3', (server) => {
  const { accessKeyId, secretAccessKey } = server;
  let folder: string;
  let tls: TlsCertificates;
  let secure: S3FaultProxy;
  let plain: S3FaultProxy;
  let forward: ForwardProxy;
  let bucket: TestBucket;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snapkeep-s3-reach-'));
    tls = createTlsCertificates(folder);
    [secure, plain] = [await startS3FaultProxy(server.endpoint, tls.files.server), await startS3FaultProxy(server.endpoint)];
  });
  afterAll(async () => {
    await Promise.all([secure.close(), plain.close()]);
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    [bucket, forward] = await Promise.all([makeBucket(server), startForwardProxy()]);
  });
  afterEach(async () => {
    plain.setFault(null);
    await Promise.all([bucket.dispose(), forward.close()]);
  });

  const open = (settings: Partial<S3Settings> = {}, keys = { accessKeyId, secretAccessKey }, name = bucket.name): Target => s3Target({
    targetId: 's3', bucket: name, folder: 'backups/', settings: { ...settingsFor(server), requestTimeoutSeconds: 5, ...settings }, keys,
  });
  const store = async (target: Target): Promise<void> => {
    const { keys } = await target.store(FIRST, wholeSource(CONTENT), never);
    expect(await target.present(keys)).toBe(true);
  };
  const failures = (checks: readonly TargetCheck[]): Record<string, string | null> =>
    Object.fromEntries(checks.filter(({ ok }) => !ok).map(({ name, message }) => [name, message]));

  test('a CA of its own is trusted by this target alone', async () => {
    await store(open({ endpoint: secure.endpoint, ca: tls.ca }));
    const other = open({ endpoint: secure.endpoint });
    const failure = { code: 'TLS', message: expect.stringContaining('give the target the CA') };
    await expect(other.preflight(1)).rejects.toMatchObject({ step: 'PREFLIGHT', ...failure });
    await expect(other.store(SECOND, wholeSource(CONTENT), never)).rejects.toMatchObject({ step: 'COMMIT', ...failure });
  });

  test.each<[string, () => Partial<S3Settings>]>([
    ['http', () => ({})], ['https with a CA of its own', () => ({ endpoint: secure.endpoint, ca: tls.ca })],
  ])('a forward proxy carries every request over %s', async (_, settings) => {
    const { endpoint = server.endpoint } = settings();
    const target = open({ ...settings(), proxy: forward.url });
    await store(target);
    expect(failures(await target.check(never))).toEqual({});
    expect(new Set(forward.passed.map((each) => each.split(' ')[1]))).toEqual(new Set([new URL(endpoint ?? '').host]));
  });

  test('a region that is not set is found where the store names it, and used from then on', async () => {
    const regions: string[] = [];
    plain.setFault(({ headers, method }) => {
      const region = /\/([a-z0-9-]+)\/s3\//.exec(headers.authorization ?? '')?.[1] ?? '';
      regions.push(region);
      return region === 'eu-west-3' ? null : { kind: 'answer', status: method === 'HEAD' ? 301 : 400, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-3' } };
    });
    const target = open({ endpoint: plain.endpoint, region: null });
    await store(target);
    expect(regions.filter((region) => region !== 'eu-west-3')).toEqual(['us-east-1']);
    const checks = await target.check(never);
    expect(failures(checks)).toEqual({});
    expect(checks.find(({ name }) => name === 'region right')?.message).toBe('eu-west-3 (discovered)');
    const wrong = open({ endpoint: plain.endpoint, region: 'us-west-2' });
    await expect(wrong.preflight(1)).rejects.toMatchObject({ code: 'REGION_WRONG', message: expect.stringMatching(/us-west-2.*eu-west-3/) });
    expect((await wrong.check(never)).find(({ ok, name }) => !ok && name !== 'clock')).toMatchObject({
      name: 'region right', remedy: expect.stringContaining('eu-west-3'),
    });
  });

  test.each<[string, S3Fault, string]>([
    ['overloaded', { kind: 'answer', status: 503, code: 'SlowDown' }, 'SLOW_DOWN'],
    ['asked too often', { kind: 'answer', status: 429, code: 'TooManyRequests' }, 'SLOW_DOWN'],
    ['broken', { kind: 'answer', status: 500, code: 'InternalError' }, 'STORE_FAILED'],
  ])('a region that is not set is asked for again where the store was %s at first', async (_, fault, code) => {
    const target = open({ endpoint: plain.endpoint, region: null });
    for (const isSick of [() => true, ({ method }: IncomingMessage) => method === 'GET']) {
      plain.setFault((request) => (isSick(request) ? fault : { kind: 'answer', status: 403, code: 'AccessDenied' }));
      await expect(target.preflight(1)).rejects.toMatchObject({ step: 'PREFLIGHT', code });
    }
    plain.setFault(({ headers }) => (headers.authorization?.includes('/eu-west-3/s3/') === true
      ? null : { kind: 'answer', status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-3' } }));
    await store(target);
  });

  test('the storage class is asked for the database alone, and encryption for all', async () => {
    const asked: Record<string, unknown> = {};
    const asking = (settings: Partial<S3Settings>): Target => {
      plain.setFault(({ method, url = '', headers }) => {
        if (method === 'POST' && url.includes('uploads')) asked['database'] = headers;
        if (method === 'PUT' && url.includes('manifest')) asked['manifest'] = headers;
        const refused = 'x-amz-server-side-encryption' in headers;
        return refused ? { kind: 'answer', status: 403, code: 'AccessDenied' } : null;
      });
      return open({ endpoint: plain.endpoint, ...settings });
    };
    await store(asking({ storageClass: 'STANDARD' }));
    expect(asked['database']).toHaveProperty('x-amz-storage-class', 'STANDARD');
    expect(asked['manifest']).not.toHaveProperty('x-amz-storage-class');
    const encrypted = asking({ serverSideEncryption: 'KMS', kmsKeyId: 'key-1' }).store(SECOND, wholeSource(CONTENT), never);
    await expect(encrypted).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(asked['database']).toMatchObject({ 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'key-1' });
  });

  test('a region that no one names is us-east-1', async () => {
    await store(open({ region: null }));
  });

  test.each<[string, Partial<S3Settings>, string, RegExp]>([
    ['a name that does not resolve', { endpoint: 'http://no-such-host.invalid' }, 'UNREACHABLE', /no-such-host\.invalid.*does not resolve/],
    ['a port where no one listens', { endpoint: 'http://127.0.0.1:1' }, 'UNREACHABLE', /ECONNREFUSED.*127\.0\.0\.1:1 is up/],
    ['a proxy that is not there', { proxy: 'http://user:planted-password@127.0.0.1:1' }, 'UNREACHABLE', /through the proxy 127\.0\.0\.1:1 is up/],
  ])('%s is told as such', async (_, settings, code, message) => {
    const target = open(settings);
    await expect(target.store(FIRST, wholeSource(CONTENT), never)).rejects.toMatchObject({ step: 'COMMIT', code, message: expect.stringMatching(message) });
    await expect(target.sweep(FIRST)).rejects.toMatchObject({ step: 'REMOVE', code });
    await expect(target.preflight(1)).rejects.toMatchObject({ step: 'PREFLIGHT', code, message: expect.not.stringContaining('planted-password') });
    await expect(target.present([{ key: 'backups/x', versionId: null }])).rejects.toMatchObject({ step: 'READ', code });
  });

  test.each<[string, () => { accessKeyId: string; secretAccessKey: string }, RegExp]>([
    ['an unknown access key', () => ({ accessKeyId: 'planted-access-key', secretAccessKey: 'planted-secret' }), /InvalidAccessKeyId/],
    ['a wrong secret key', () => ({ accessKeyId, secretAccessKey: 'planted-secret' }), /SignatureDoesNotMatch/],
  ])('%s is CREDENTIALS_REFUSED for every request, without a secret in the message', async (_, keys, message) => {
    const target = open({}, keys());
    const refusals = await Promise.all([
      target.preflight(1), target.store(FIRST, wholeSource(CONTENT), never), target.sweep(FIRST), target.present([{ key: 'backups/x', versionId: null }]),
      target.read({ key: 'backups/x', versionId: null }), target.remove([{ key: 'backups/x', versionId: null }]),
    ].map((asked) => asked.then(() => null, (error: unknown) => error)));
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'CREDENTIALS_REFUSED', message: expect.stringMatching(message) });
    expect(JSON.stringify(refusals.map(String))).not.toMatch(/planted/);
  });

  describe('a check names what is wrong and its remedy, and the rest as not tried', () => {
    const first = async (target: Target): Promise<Partial<TargetCheck> & { later: readonly string[] }> => {
      const checks = await target.check(never);
      const at = checks.findIndex(({ ok }) => !ok);
      return { ...checks[at], later: checks.slice(at + 1).filter(({ message }) => message?.startsWith('not tried') === true).map(({ name }) => name) };
    };
    const fromBucket = ['region right', 'put', 'get', 'list', 'multipart', 'delete', 'nothing left behind'];

    test.each<[string, () => Target, string, RegExp, readonly string[]]>([
      ['a name', () => open({ endpoint: 'http://no-such-host.invalid' }), 'name resolves', /spelling/, ['connects', 'TLS trusted', 'clock', 'credentials', 'bucket exists', ...fromBucket]],
      ['a port', () => open({ endpoint: 'http://127.0.0.1:1' }), 'connects', /firewalls/, ['TLS trusted', 'clock', 'credentials', 'bucket exists', ...fromBucket]],
      ['TLS', () => open({ endpoint: secure.endpoint }), 'TLS trusted', /give the target the CA/, ['clock', 'credentials', 'bucket exists', ...fromBucket]],
      ['TLS with another CA', () => open({ endpoint: secure.endpoint, ca: tls.clientCertificate }), 'TLS trusted', /own CA/, ['clock', 'credentials', 'bucket exists', ...fromBucket]],
      ['keys', () => open({}, { accessKeyId, secretAccessKey: 'planted-secret' }), 'credentials', /access key and secret key/, ['bucket exists', ...fromBucket]],
      ['a bucket', () => open({}, { accessKeyId, secretAccessKey }, 'no-such-bucket'), 'bucket exists', /Make the bucket 'no-such-bucket'/, fromBucket],
      ['a storage class', () => open({ storageClass: 'STANDARD_1A' }), 'multipart', /storage class/, []],
    ])('%s', async (_, target, name, remedy, later) => {
      expect(await first(target())).toMatchObject({ name, ok: false, remedy: expect.stringMatching(remedy), later });
    });

    test.each<[number, boolean, RegExp | null]>([[600, false, /NTP/], [60, true, null]])('clocks %i s apart', async (seconds, ok, remedy) => {
      const date = new Date(Date.now() - seconds * 1000).toUTCString();
      plain.setFault(() => ({ kind: 'rewrite', answer: { date } }));
      const clock = (await open({ endpoint: plain.endpoint }).check(never)).find(({ name }) => name === 'clock');
      expect(clock).toMatchObject({ ok, message: expect.stringContaining("the store's clock says"), remedy: remedy === null ? null : expect.stringMatching(remedy) });
    });

    test('objects that may be put and not deleted', async () => {
      plain.setFault(({ method, url }) => (method === 'DELETE' && url?.includes('uploadId') === false ? { kind: 'answer', status: 403, code: 'AccessDenied' } : null));
      const checks = await open({ endpoint: plain.endpoint }).check(never);
      expect(Object.keys(failures(checks))).toEqual(['delete', 'nothing left behind']);
      expect(checks.find(({ name }) => name === 'delete')?.remedy).toContain('Allow it');
    });

    test('a test that is stopped says so, and leaves nothing', async () => {
      const stopping = new AbortController();
      plain.setFault(({ method, url }) => {
        if (method === 'PUT' && url?.includes('.snapkeep-check') === true) setImmediate(() => stopping.abort());
        return null;
      });
      const checks = await open({ endpoint: plain.endpoint }).check(stopping.signal);
      expect(checks).toHaveLength(13);
      expect(checks.at(-1)).toMatchObject({ ok: false, message: 'not tried: the test was stopped' });
      expect(await bucket.objects()).toEqual([]);
      expect(await bucket.uploads()).toEqual([]);
    });
  });
});
