// A target behind a proxy that breaks what passes: every copy is whole or not there, and nothing is left over.
// Without a Snapkeep around it; the flow through the whole service is tested elsewhere.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { buffer } from 'node:stream/consumers';
import type { S3Settings } from '../events/target-events.js';
import { StepFailure } from '../services/snapshots/step-failure.js';
import { heldSource, readUpTo, wholeSource } from '../services/targets/copy-source.fixture.js';
import { FIRST, unversioned } from '../services/targets/target.contract.js';
import type { StoredCopy, Target } from '../services/targets/target.js';
import { s3Target } from '../services/targets/target.s3.js';
import { startFaultProxy } from './fault-proxy.js';
import { makeBucket, settingsFor } from './s3-bucket.js';
import type { TestBucket } from './s3-bucket.js';
import { firstOf, isBegin, isComplete, isPart, isPutOf, isRead, startS3FaultProxy } from './s3-fault-proxy.js';
import type { S3Fault, S3FaultProxy, S3FaultRule } from './s3-fault-proxy.js';
import { addS3Keys } from './s3-server.js';
import { s3Suite } from './s3-suite.js';

const SMALL = Buffer.alloc(100_000, 'small');
/** Three parts. */
const LARGE = Buffer.alloc(20 * 1024 * 1024, 'large');
const never = new AbortController().signal;
const ALWAYS = 1_000_000;
const place = FIRST.folder;
const missing = unversioned('missing');

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

  const open = (settings: Partial<S3Settings> = {}, keys = { accessKeyId, secretAccessKey }, name = bucket.name): Target => s3Target({
    targetId: 's3', bucket: name, folder: '', settings: { ...settingsFor(proxy), ...settings }, keys,
  });
  const store = (bytes: Buffer, rule: S3FaultRule | null, target = open()): Promise<StoredCopy> => {
    proxy.setFault(rule);
    return target.store(FIRST, wholeSource(bytes), never);
  };
  const expectNothingLeft = async (): Promise<void> => {
    expect({ objects: await bucket.objects(), uploads: await bucket.uploads() }).toEqual({ objects: [], uploads: [] });
  };
  const slowDown: S3Fault = { kind: 'answer', status: 503, code: 'SlowDown' };

  test.each<[string, Buffer, S3FaultRule]>([
    ['503 SlowDown twice for a part', LARGE, firstOf(2, isPart, slowDown)],
    ['503 SlowDown twice for the manifest', SMALL, firstOf(2, isPutOf('manifest.json'), slowDown)],
    ['a reset in the middle of a part', LARGE, firstOf(1, isPart, { kind: 'reset', afterBytes: 4_000_000 })],
    ['the lost answer to the beginning of an upload', LARGE, firstOf(1, isBegin, { kind: 'lose-answer' })],
    ['the lost answer to a part', LARGE, firstOf(1, isPart, { kind: 'lose-answer' })],
    ['the lost answer to the end of an upload', LARGE, firstOf(1, isComplete, { kind: 'lose-answer' })],
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

  describe('in a bucket that keeps versions', () => {
    let versioned: TestBucket;
    beforeEach(async () => {
      versioned = await makeBucket(server, { versioned: true });
    });
    afterEach(() => versioned.dispose());
    const target = (): Target => open({}, { accessKeyId, secretAccessKey }, versioned.name);
    const putsTwice = (...names: readonly string[]): S3FaultRule => {
      const losing = names.map((name) => firstOf(1, isPutOf(name), { kind: 'lose-answer' }));
      return (request) => {
        if (request.headers['if-none-match'] !== undefined) return { kind: 'answer', status: 501, code: 'NotImplemented' };
        return losing.map((lose) => lose(request)).find((fault) => fault !== null) ?? null;
      };
    };

    test.each<[string, Buffer, S3FaultRule]>([
      ['to the end of an upload', LARGE, firstOf(1, isComplete, { kind: 'lose-answer' })],
      ['to the database put at once', SMALL, firstOf(1, isPutOf('snapshot.db'), { kind: 'lose-answer' })],
      ['to the manifest', SMALL, firstOf(1, isPutOf('manifest.json'), { kind: 'lose-answer' })],
      ['to both, of a store without conditional puts', SMALL, putsTwice('snapshot.db', 'manifest.json')],
    ])('after the lost answer %s the copy names every version, and removing them leaves nothing', async (_, bytes, rule) => {
      const { keys } = await store(bytes, rule, target());
      proxy.setFault(null);
      expect(keys.slice(0, 2).map(({ key }) => key)).toEqual([`${place}/snapshot.db`, `${place}/manifest.json`]);
      expect(keys.map(({ key }) => key).sort()).toEqual(await versioned.objects());
      expect((await buffer(await target().read(keys[0] ?? missing))).equals(bytes)).toBe(true);
      await target().remove(keys);
      expect(await versioned.objects()).toEqual([]);
    });

    test('where versions may not be listed, the copy names those that are known', async () => {
      const lose = putsTwice('snapshot.db');
      const denied: S3Fault = { kind: 'answer', status: 403, code: 'AccessDenied' };
      const { keys } = await store(SMALL, (request) => (request.url?.includes('versions') === true ? denied : lose(request)), target());
      expect(keys.map(({ key, versionId }) => [key, typeof versionId])).toEqual([[`${place}/snapshot.db`, 'string'], [`${place}/manifest.json`, 'string']]);
    });
  });

  test.each<[string, Buffer, S3FaultRule, string]>([
    ['503 SlowDown for ever', LARGE, firstOf(ALWAYS, isPart, slowDown), 'SLOW_DOWN'],
    ['resets for ever', LARGE, firstOf(ALWAYS, isPart, { kind: 'reset', afterBytes: 4_000_000 }), 'UNREACHABLE'],
    ['expired keys', LARGE, firstOf(ALWAYS, isPart, { kind: 'answer', status: 400, code: 'ExpiredToken' }), 'CREDENTIALS_REFUSED'],
    ['an upload that someone aborted', LARGE, firstOf(ALWAYS, isPart, { kind: 'answer', status: 404, code: 'NoSuchUpload' }), 'STORE_FAILED'],
    ['a manifest that may not be written', SMALL, firstOf(ALWAYS, isPutOf('manifest.json'), { kind: 'answer', status: 403, code: 'AccessDenied' }), 'ACCESS_DENIED'],
    ['a full bucket', LARGE, firstOf(ALWAYS, isComplete, { kind: 'answer', status: 403, code: 'QuotaExceeded' }), 'BUCKET_FULL'],
    ['an internal error at the end', LARGE, firstOf(ALWAYS, isComplete, { kind: 'answer', status: 500, code: 'InternalError' }), 'STORE_FAILED'],
    ['every answer to the end lost', LARGE, firstOf(ALWAYS, isComplete, { kind: 'lose-answer' }), 'UNREACHABLE'],
    ['every answer to the manifest lost', SMALL, firstOf(ALWAYS, isPutOf('manifest.json'), { kind: 'lose-answer' }), 'UNREACHABLE'],
  ])('%s ends the copy plainly after bounded tries, and nothing is left', async (_, bytes, rule, code) => {
    await expect(store(bytes, rule)).rejects.toMatchObject({ step: 'COMMIT', code });
    expect(proxy.strikes()).toBeLessThanOrEqual(9);
    expect((await bucket.objects()).filter((key) => key.endsWith('manifest.json'))).toEqual([]);
    await expectNothingLeft();
  });

  test('a store that goes away in the middle of the parts fails the copy, and once it is back the next try leaves nothing of the first', async () => {
    const way = await startFaultProxy(proxy.endpoint);
    try {
      const target = open({ endpoint: way.endpoint });
      let parts = 0;
      const cutAtSecondPart: S3FaultRule = (request) => {
        if (isPart(request)) parts += 1;
        if (parts === 2) way.setFault({ kind: 'refuse' });
        return null;
      };
      await expect(store(LARGE, cutAtSecondPart, target)).rejects.toMatchObject({ step: 'COMMIT', code: 'UNREACHABLE' });
      expect({ objects: await bucket.objects(), uploads: await bucket.uploads() }).toEqual({ objects: [], uploads: [`${place}/snapshot.db`] });
      way.setFault(null);
      const { keys } = await store(LARGE, null, target);
      expect(await target.present(keys)).toBe(true);
      expect({ objects: await bucket.objects(), uploads: await bucket.uploads() }).toEqual({ objects: [`${place}/manifest.json`, `${place}/snapshot.db`], uploads: [] });
    } finally {
      await way.close();
    }
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

  test('a part that hangs is sent again after the request timeout, and not for ever', async () => {
    const impatient = open({ requestTimeoutSeconds: 1 });
    const { keys } = await store(LARGE, firstOf(1, isPart, { kind: 'hang' }), impatient);
    await impatient.remove(keys);
    const failure = { step: 'COMMIT', code: 'UNREACHABLE', message: expect.stringContaining('1000 ms') };
    await expect(store(LARGE, firstOf(ALWAYS, isPart, { kind: 'hang' }), impatient)).rejects.toMatchObject(failure);
    await expectNothingLeft();
  });

  test.each([['its parts hang', isPart], ['the first listing hangs', isRead]])('a copy that is cancelled while %s ends at once', async (_, fits) => {
    const cancelling = new AbortController();
    proxy.setFault(firstOf(1, fits, { kind: 'hang' }));
    const struck = proxy.nextStrike();
    const stored = open({ requestTimeoutSeconds: 300 }).store(FIRST, wholeSource(LARGE), cancelling.signal);
    stored.catch(() => undefined);
    await struck;
    const reason = new StepFailure('STREAM', 'CANCELLED', 'the service stops');
    cancelling.abort(reason);
    await expect(stored).rejects.toBe(reason);
    await expectNothingLeft();
  });

  test('a copy that fails while its upload is being begun waits for the beginning, and leaves nothing', async () => {
    const begin = Promise.withResolvers<void>();
    proxy.setFault(firstOf(1, isBegin, { kind: 'hold', until: begin.promise }));
    const struck = proxy.nextStrike();
    const source = heldSource(LARGE.length);
    source.feed(LARGE);
    let settled = false;
    const stored = open().store(FIRST, source, never).finally(() => { settled = true; });
    stored.catch(() => undefined);
    await struck;
    const failure = new StepFailure('VERIFY', 'HASH_MISMATCH', 'what came is not what was sent');
    source.refuse(failure);
    for (let asked = 0; asked < 20; asked += 1) expect(await bucket.uploads()).toEqual([]);
    expect(settled).toBe(false);
    begin.resolve();
    await expect(stored).rejects.toBe(failure);
    await expectNothingLeft();
  });

  test('a bucket that is removed in the middle of a copy is named, and so it is afterwards', async () => {
    const removed = await makeBucket(server);
    const target = open({}, { accessKeyId, secretAccessKey }, removed.name);
    const { keys } = await store(SMALL, null, target);
    await target.remove(keys);
    const waiting = heldSource(SMALL.length);
    waiting.feed(SMALL);
    const stored = target.store(FIRST, waiting, never);
    stored.catch(() => undefined);
    await readUpTo(waiting, SMALL.length);
    await removed.dispose();
    waiting.verify();
    await expect(stored).rejects.toMatchObject({ step: 'COMMIT', code: 'BUCKET_MISSING' });
    await expect(target.present(keys)).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
    await expect(target.read(keys[0] ?? missing)).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
    await expect(target.remove(keys)).rejects.toMatchObject({ step: 'REMOVE', code: 'BUCKET_MISSING' });
    await expect(target.sweep(FIRST)).rejects.toMatchObject({ step: 'REMOVE', code: 'BUCKET_MISSING' });
    await expect(target.preflight(1)).rejects.toMatchObject({ step: 'PREFLIGHT', code: 'BUCKET_MISSING' });
  });

  (server.admin === null ? test.skip : test)('keys that are revoked in the middle of a copy are named, and what was stored is swept with good ones', async () => {
    const { remove, ...keys } = await addS3Keys(server);
    let revoked: Promise<void> | null = null;
    const target = open({}, keys);
    const stored = store(LARGE, (request) => {
      if (!isPart(request)) return null;
      revoked ??= remove();
      return { kind: 'hold', until: revoked };
    }, target);
    void stored.catch(() => undefined);
    await expect(stored).rejects.toMatchObject({ code: 'CREDENTIALS_REFUSED', message: expect.not.stringContaining(keys.secretAccessKey) });
    proxy.setFault(null);
    await open().sweep(FIRST);
    await expectNothingLeft();
  });

  test('a read that breaks in the middle fails as the stream, with the reason', async () => {
    const { keys } = await store(LARGE, null);
    const body = await open().read(keys[0] ?? missing);
    proxy.breakAll();
    await expect(buffer(body)).rejects.toMatchObject({ step: 'READ', code: 'UNREACHABLE' });
  });
});
