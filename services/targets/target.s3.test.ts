import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import type { S3Settings } from '../../events/target-events.js';
import { inTens } from '../../test/in-tens.js';
import { makeBucket, settingsFor } from '../../test/s3-bucket.js';
import type { TestBucket } from '../../test/s3-bucket.js';
import { administer } from '../../test/s3-server.js';
import { s3Suite } from '../../test/s3-suite.js';
import { heldSource, readUpTo, wholeSource } from './copy-source.fixture.js';
import { FIRST, SECOND, targetContract, unversioned } from './target.contract.js';
import type { Target } from './target.js';
import { s3Target } from './target.s3.js';

const CONTENT = Buffer.alloc(100_000, 'database');
const never = new AbortController().signal;
const place = FIRST.folder;
/** Over two pages of scripts/s3-server.mjs; other servers have pages of a thousand. */
const MANY = 201;

await s3Suite('S3 target', (server) => {
  const { accessKeyId, secretAccessKey } = server;
  const keys = { accessKeyId, secretAccessKey };
  const targetIn = (bucket: string, folder = '', settings: Partial<S3Settings> = {}): Target =>
    s3Target({ targetId: 's3', bucket, folder, settings: { ...settingsFor(server), ...settings }, keys });

  for (const [name, folder, versioned] of [['a plain bucket', '', false], ['a folder of a bucket that keeps versions', 'backups/etcd/', true]] as const) {
    targetContract(name, async () => {
      const bucket = await makeBucket(server, { versioned });
      return { target: targetIn(bucket.name, folder), prefix: folder, source: async (bytes) => wholeSource(bytes), dispose: () => bucket.dispose() };
    });
  }

  describe('in a plain bucket', () => {
    let bucket: TestBucket;
    let target: Target;
    beforeEach(async () => {
      bucket = await makeBucket(server);
      target = targetIn(bucket.name);
    });
    afterEach(() => bucket.dispose());
    const neighbours = [
      'prod/2026-11-23T10-00-00Z-a/11/snapshot.db', `${place}/manifest.json.bak`, `${place}/node/snapshot.db`, `${place}/snapshot.db.bak`, `x/${place}/snapshot.db`,
    ].sort();

    test('a sweep takes every name that a copy can have, and leaves neighbours whose names only begin alike', async () => {
      const own = ['manifest.json', 'snapshot.db', 'snapshot.db.age', 'snapshot.db.zst', 'snapshot.db.zst.age'].map((name) => `${place}/${name}`);
      await inTens([...own, ...neighbours], (key) => bucket.put(key));
      expect(await target.sweep(FIRST)).toBe(own.length);
      expect(await bucket.objects()).toEqual(neighbours);
    });

    test('a sweep aborts the unfinished uploads of exactly its keys', async () => {
      await inTens([`${place}/snapshot.db`, `${place}/snapshot.db`, `${place}/snapshot.db.zst.age`, ...neighbours], (key) => bucket.beginUpload(key));
      expect(await target.sweep(FIRST)).toBe(3);
      expect(await target.sweep(FIRST)).toBe(0);
      expect(await bucket.uploads()).toEqual(neighbours);
    });

    test('listings of several pages are read to their end', async () => {
      const many = Array.from({ length: MANY }, (_, i) => `${place}/a-neighbour-${i}`);
      await inTens([...many, `${place}/snapshot.db`], (key) => bucket.put(key));
      await inTens(Array.from({ length: MANY }, () => `${place}/snapshot.db`), (key) => bucket.beginUpload(key));
      await expect(target.store(FIRST, wholeSource(CONTENT), never)).rejects.toMatchObject({ code: 'COPY_EXISTS' });
      expect(await target.sweep(FIRST)).toBe(MANY + 1);
      expect(await bucket.objects()).toEqual(many.sort());
      expect(await bucket.uploads()).toEqual([]);
    });

    test('a manifest that someone puts there meanwhile is not written over, and stays when the copy is withdrawn', async () => {
      const source = heldSource(CONTENT.length);
      const stored = target.store(FIRST, source, never);
      stored.catch(() => undefined);
      source.feed(CONTENT);
      await readUpTo(source, CONTENT.length);
      await bucket.put(`${place}/manifest.json`, 'theirs');
      source.verify();
      await expect(stored).rejects.toMatchObject({ step: 'COMMIT', code: 'COPY_EXISTS' });
      expect(await bucket.objects()).toEqual([`${place}/manifest.json`]);
    });

    test('a failure that is no StepFailure comes out of the source as it went in', async () => {
      const broken = new Error('the spool is gone');
      const source = { ...wholeSource(CONTENT), async *read() { yield CONTENT; throw broken; } };
      await expect(target.store(FIRST, source, never)).rejects.toBe(broken);
      expect(await bucket.objects()).toEqual([]);
    });

    test('the location is what S3 tools understand, and the keys have no versions', async () => {
      const stored = await target.store(FIRST, wholeSource(CONTENT), never);
      expect(stored.location).toBe(`s3://${bucket.name}/${place}/snapshot.db`);
      expect(stored.keys.map(({ versionId }) => versionId)).toEqual([null, null]);
    });

    test('a key that S3 cannot hold is refused before anything is asked', async () => {
      const folder = Array.from({ length: 5 }, () => 'x'.repeat(250)).join('/');
      await expect(target.store({ folder }, wholeSource(CONTENT), never)).rejects.toMatchObject({ code: 'KEY_INVALID', message: expect.stringContaining('1024') });
    });

    (server.admin === null ? test.skip : test)('a full bucket is BUCKET_FULL', async () => {
      const scope = ['--quota-scope', 'bucket', '--bucket', bucket.name, '--uid', 'test'];
      await administer(server, 'quota', 'set', ...scope, '--max-size', '1024');
      await administer(server, 'quota', 'enable', ...scope);
      const failure = { step: 'COMMIT', code: 'BUCKET_FULL', message: expect.stringContaining('QuotaExceeded') };
      await expect(target.store(FIRST, wholeSource(CONTENT), never)).rejects.toMatchObject(failure);
    });
  });

  describe('in a bucket that keeps versions', () => {
    let bucket: TestBucket;
    let target: Target;
    beforeEach(async () => {
      bucket = await makeBucket(server, { versioned: true });
      target = targetIn(bucket.name);
    });
    afterEach(() => bucket.dispose());

    test('removing by version leaves neither a marker nor takes another version', async () => {
      const stored = await target.store(FIRST, wholeSource(CONTENT), never);
      expect(stored.keys.every(({ versionId }) => versionId !== null)).toBe(true);
      await bucket.put(`${place}/snapshot.db`, 'a later version');
      expect(await target.present(stored.keys)).toBe(true);
      await target.remove(stored.keys);
      expect(await target.present(stored.keys)).toBe(false);
      expect(await bucket.objects()).toEqual([`${place}/snapshot.db`]);
    });

    test('removing without a version hides the object, as the bucket wants it', async () => {
      const { keys: [database] } = await target.store(FIRST, wholeSource(CONTENT), never);
      await target.remove([unversioned(database?.key ?? '')]);
      expect(await bucket.objects()).toEqual([`${place}/manifest.json`, `${place}/snapshot.db`, `${place}/snapshot.db@marker`]);
      expect(await target.present([unversioned(database?.key ?? '')])).toBe(false);
      await expect(target.read(unversioned(database?.key ?? ''))).rejects.toMatchObject({ code: 'COPY_MISSING' });
      expect(await target.sweep(FIRST)).toBe(3);
      expect(await bucket.objects()).toEqual([]);
    });

    test('a large copy is known by its version too', async () => {
      const { keys: stored } = await target.store(SECOND, wholeSource(Buffer.alloc(9 * 1024 * 1024)), never);
      expect(stored.map(({ versionId }) => typeof versionId)).toEqual(['string', 'string']);
      await target.remove(stored);
      expect(await bucket.objects()).toEqual([]);
    });
  });

  test('an object under lock is OBJECT_LOCKED when it is to be removed', async () => {
    const bucket = await makeBucket(server, { locked: true });
    try {
      const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const;
      await bucket.client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket.name, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }));
      const target = targetIn(bucket.name);
      const stored = await target.store(FIRST, wholeSource(CONTENT), never);
      await expect(target.remove(stored.keys)).rejects.toMatchObject({ step: 'REMOVE', code: 'OBJECT_LOCKED' });
      expect(await target.present(stored.keys)).toBe(true);
    } finally {
      await bucket.dispose();
    }
  });
});
