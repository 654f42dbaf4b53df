import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AbortMultipartUploadCommand, GetObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { makeBucket } from '../../test/s3-bucket.js';
import type { TestBucket } from '../../test/s3-bucket.js';
import { s3Suite } from '../../test/s3-suite.js';
import { objectParts } from './copy-parts.s3.js';

const PART = 5 * 1024 * 1024;
/** Is on its way whole before the store can refuse it: it would close the connection on a larger one, and its answer be lost. */
const SMALL_PART = 64 * 1024;

await s3Suite('objects sent in parts', (server) => {
  let bucket: TestBucket;
  beforeAll(async () => {
    bucket = await makeBucket(server);
  });
  afterAll(() => bucket.dispose());

  const partsOf = (key: string, { atOnce = 2, partSize = PART, onFailure = (_: unknown): void => undefined } = {}) =>
    objectParts(bucket.client, { object: { Bucket: bucket.name, Key: key }, partSize, atOnce, onFailure });
  const stored = async (Key: string): Promise<Buffer> => {
    const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: bucket.name, Key }));
    return Buffer.from(await Body?.transformToByteArray() ?? []);
  };

  test.each([
    ['nothing', 0], ['less than a part', 1000], ['exactly a part', PART], ['more parts than there are buffers, and a bit', 5 * PART + 1],
    ['exactly some parts', 3 * PART],
  ])('%s arrives as it was, out of one buffer that whoever gives it uses again', async (name, size) => {
    const bytes = randomBytes(size);
    const parts = partsOf(name);
    const piece = Buffer.alloc(1_000_003);
    for (let at = 0; at < size; at += piece.length) {
      bytes.copy(piece, 0, at);
      await parts.add(piece.subarray(0, size - at));
    }
    expect(await bucket.objects()).not.toContain(name);
    await parts.complete();
    expect((await stored(name)).equals(bytes)).toBe(true);
    expect(await bucket.uploads()).toEqual([]);
  });

  test('a part that cannot be sent is told while nobody gives more, and nothing is completed without it', async () => {
    const failed = Promise.withResolvers<unknown>();
    const moreThanAreSent = 3;
    const parts = partsOf('gone', { atOnce: moreThanAreSent, partSize: SMALL_PART, onFailure: failed.resolve });
    await parts.add(Buffer.alloc(SMALL_PART + 1));
    const { Uploads = [] } = await bucket.client.send(new ListMultipartUploadsCommand({ Bucket: bucket.name }));
    for (const { Key, UploadId } of Uploads) await bucket.client.send(new AbortMultipartUploadCommand({ Bucket: bucket.name, Key, UploadId }));
    await parts.add(Buffer.alloc(SMALL_PART));
    expect(await failed.promise).toMatchObject({ name: 'NoSuchUpload' });
    await expect(parts.complete()).rejects.toMatchObject({ name: 'NoSuchUpload' });
    expect(await bucket.objects()).not.toContain('gone');
  });
});
