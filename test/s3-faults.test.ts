// A target behind a proxy that breaks what passes: every copy is whole or not there, and nothing is left over.
// Without a Snapkeep around it; the flow through the whole service is tested elsewhere.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { S3Settings } from '../events/target-events.js';
import { wholeSource } from '../services/targets/copy-source.fixture.js';
import { FIRST } from '../services/targets/target.contract.js';
import type { StoredCopy, Target } from '../services/targets/target.js';
import { s3Target } from '../services/targets/target.s3.js';
import { makeBucket, settingsFor } from './s3-bucket.js';
import type { TestBucket } from './s3-bucket.js';
import { firstOf, isComplete, isPart, isPutOf, startS3FaultProxy } from './s3-fault-proxy.js';
import type { S3Fault, S3FaultProxy, S3FaultRule } from './s3-fault-proxy.js';
import { addS3Keys } from './s3-server.js';
import { s3Suite } from './s3-suite.js';

const SMALL = Buffer.alloc(100_000, 'small');
/** Three parts. */
const LARGE = Buffer.alloc(20 * 1024 * 1024, 'large');
const never = new AbortController().signal;
const ALWAYS = 1_000_000;
const place = FIRST.folder;

await s3Suite('S3 behind faults', (server) => {
  const { accessKeyId, secretAccessKey } = server;
  let proxy: S3FaultProxy;
  let bucket: TestBucket;
  beforeEach(async () => {
    [proxy, bucket] = await Promise.all([startS3FaultProxy(server.endpoint), makeBucket(server)]);
  });
  afterEach(async () => {
    await proxy.close();
    await bucket.dispose();
  });

  const open = (settings: Partial<S3Settings> = {}, keys = { accessKeyId, secretAccessKey }): Target => s3Target({
    targetId: 's3', bucket: bucket.name, folder: '', settings: { ...settingsFor(proxy), requestTimeoutSeconds: 1, ...settings }, keys,
  });
  const store = (bytes: Buffer, rule: S3FaultRule | null, target = open()): Promise<StoredCopy> => {
    proxy.setFault(rule);
    return target.store(FIRST, wholeSource(bytes), never);
  };
  const expectNothingLeft = async (): Promise<void> => {
    proxy.setFault(null);
    await open().sweep(FIRST);
    expect({ objects: await bucket.objects(), uploads: await bucket.uploads() }).toEqual({ objects: [], uploads: [] });
  };
  const slowDown: S3Fault = { kind: 'answer', status: 503, code: 'SlowDown' };

  test.each<[string, Buffer, S3FaultRule]>([
    ['503 SlowDown twice for a part', LARGE, firstOf(2, isPart, slowDown)],
    ['503 SlowDown twice for the manifest', SMALL, firstOf(2, isPutOf('manifest.json'), slowDown)],
    ['a reset in the middle of a part', LARGE, firstOf(1, isPart, { kind: 'reset', afterBytes: 4_000_000 })],
    ['a part that hangs once', LARGE, firstOf(1, isPart, { kind: 'hang' })],
    ["the lost answer to a part", LARGE, firstOf(1, isPart, { kind: 'lose-answer' })],
    ['the lost answer to the database put at once', SMALL, firstOf(1, isPutOf('snapshot.db'), { kind: 'lose-answer' })],
    ['the lost answer to the manifest', SMALL, firstOf(1, isPutOf('manifest.json'), { kind: 'lose-answer' })],
    ['a store without conditional puts', SMALL, (request) => (request.headers['if-none-match'] === undefined ? null : { kind: 'answer', status: 501, code: 'NotImplemented' })],
  ])('%s does not keep the copy from being stored', async (_, bytes, rule) => {
    const { keys } = await store(bytes, rule);
    expect(proxy.strikes()).toBeGreaterThan(0);
    expect(await open().present(keys)).toBe(true);
    expect(await bucket.objects()).toEqual([`${place}/manifest.json`, `${place}/snapshot.db`]);
    expect(await bucket.uploads()).toEqual([]);
  });

  test.each<[string, Buffer, S3FaultRule, string]>([
    ['503 SlowDown for ever', LARGE, firstOf(ALWAYS, isPart, slowDown), 'SLOW_DOWN'],
    ['resets for ever', LARGE, firstOf(ALWAYS, isPart, { kind: 'reset', afterBytes: 4_000_000 }), 'UNREACHABLE'],
    ['hanging for ever', LARGE, firstOf(ALWAYS, isPart, { kind: 'hang' }), 'UNREACHABLE'],
    ['expired keys', LARGE, firstOf(ALWAYS, isPart, { kind: 'answer', status: 400, code: 'ExpiredToken' }), 'CREDENTIALS_REFUSED'],
    ['an upload that someone aborted', LARGE, firstOf(ALWAYS, isPart, { kind: 'answer', status: 404, code: 'NoSuchUpload' }), 'STORE_FAILED'],
    ['a manifest that may not be written', SMALL, firstOf(ALWAYS, isPutOf('manifest.json'), { kind: 'answer', status: 403, code: 'AccessDenied' }), 'ACCESS_DENIED'],
    ['a full bucket', LARGE, firstOf(ALWAYS, isComplete, { kind: 'answer', status: 403, code: 'QuotaExceeded' }), 'BUCKET_FULL'],
    ['an internal error at the end', LARGE, firstOf(ALWAYS, isComplete, { kind: 'answer', status: 500, code: 'InternalError' }), 'STORE_FAILED'],
    ['every answer to the end lost', LARGE, firstOf(ALWAYS, isComplete, { kind: 'lose-answer' }), 'UNREACHABLE'],
    ['every answer to the manifest lost', SMALL, firstOf(ALWAYS, isPutOf('manifest.json'), { kind: 'lose-answer' }), 'COPY_EXISTS'],
  ])('%s ends the copy plainly after bounded tries, and nothing is left', async (_, bytes, rule, code) => {
    await expect(store(bytes, rule)).rejects.toMatchObject({ step: 'COMMIT', code });
    expect(proxy.strikes()).toBeLessThanOrEqual(9);
    expect((await bucket.objects()).filter((key) => key.endsWith('manifest.json'))).toEqual([]);
    await expectNothingLeft();
  });

  test('a wrong clock is named with both times', async () => {
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const stored = store(SMALL, () => ({ kind: 'rewrite', request: { 'x-amz-date': hourAgo } }));
    await expect(stored).rejects.toMatchObject({ code: 'CLOCK_SKEW', message: expect.stringMatching(/store's clock says .* GMT, ours .* GMT\..*NTP/) });
    await expectNothingLeft();
  });

  test('a clock of ours that is an hour off is put right by the answers, and the copy is stored', async () => {
    const realNow = Date.now;
    Date.now = () => realNow() - 3_600_000;
    try {
      expect((await store(SMALL, null)).storedSize).toBe(SMALL.length);
    } finally {
      Date.now = realNow;
    }
  });

  test('a bucket that is removed in between is named, and the store is not asked for ever', async () => {
    const target = open();
    proxy.setFault((request) => (isPart(request) ? { kind: 'rewrite', request: {} } : null));
    const gone = makeBucket(server);
    const other = s3Target({ targetId: 's3', bucket: (await gone).name, folder: '', settings: settingsFor(proxy), keys: { accessKeyId, secretAccessKey } });
    const { keys } = await other.store(FIRST, wholeSource(SMALL), never);
    await (await gone).dispose();
    await expect(other.store(FIRST, wholeSource(SMALL), never)).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
    await expect(other.present(keys)).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
    await expect(other.read(keys[0] ?? { key: 'x', versionId: null })).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
    await expect(other.remove(keys)).rejects.toMatchObject({ step: 'REMOVE', code: 'BUCKET_MISSING' });
    await expect(other.preflight(1)).rejects.toMatchObject({ step: 'PREFLIGHT', code: 'BUCKET_MISSING' });
    expect(target.targetId).toBe('s3');
  });

  (server.admin === null ? test.skip : test)('keys that are revoked in the middle of a copy are named, and what was stored is swept with good ones', async () => {
    const { remove, ...keys } = await addS3Keys(server);
    let revoked: Promise<void> | null = null;
    const target = open({ requestTimeoutSeconds: 30 }, keys);
    const stored = store(LARGE, (request) => {
      if (isPart(request)) revoked ??= remove();
      return null;
    }, target);
    void stored.catch(() => undefined);
    await expect(stored).rejects.toMatchObject({ code: 'CREDENTIALS_REFUSED', message: expect.not.stringContaining(keys.secretAccessKey) });
    await expectNothingLeft();
  });

  test('a read that breaks in the middle fails as the stream, with the reason', async () => {
    const { keys } = await store(LARGE, null);
    proxy.setFault(() => null);
    const body = await open().read(keys[0] ?? { key: '', versionId: null });
    const reading = body.toArray();
    await proxy.close();
    await expect(reading).rejects.toMatchObject({ step: 'READ', code: 'UNREACHABLE' });
    proxy = await startS3FaultProxy(server.endpoint);
  });
});
