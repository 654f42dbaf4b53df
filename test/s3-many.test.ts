// More objects than one page of any server's listings holds, which are a thousand: snapshots are found and pruned exactly all the same.
// 2,500 snapshots that the target itself stored are in s3-many.soak.ts.
import { expect, test } from '@jest/globals';
import { wholeSource } from '../services/targets/copy-source.fixture.js';
import { s3Target } from '../services/targets/target.s3.js';
import { inTens } from './in-tens.js';
import { makeBucket, settingsFor } from './s3-bucket.js';
import { s3Suite } from './s3-suite.js';

const many = 1_100;
const never = new AbortController().signal;

await s3Suite('A bucket with more objects than a page', (server) => {
  test('a copy among them is seen, swept, stored and removed, and they are left', async () => {
    const { accessKeyId, secretAccessKey } = server;
    const bucket = await makeBucket(server, { versioned: true });
    const target = s3Target({ targetId: 's3', bucket: bucket.name, folder: 'many/', settings: settingsFor(server), keys: { accessKeyId, secretAccessKey } });
    const place = { folder: 'prod/snapshot/1' };
    try {
      // In the order of keys they come before whatever a copy is named.
      const foreign = Array.from({ length: many }, (_, at) => `many/prod/snapshot/1/a-${String(at).padStart(5, '0')}`);
      await inTens(foreign, (key) => bucket.put(key));
      const left = 'many/prod/snapshot/1/snapshot.db.zst';
      await bucket.put(left);
      const store = () => target.store(place, wholeSource(Buffer.from('database')), never);
      await expect(store()).rejects.toMatchObject({ code: 'COPY_EXISTS' });
      expect(await bucket.objects()).toEqual([...foreign, left]);
      expect(await target.sweep(place)).toBe(1);

      const { keys } = await store();
      expect(await target.present(keys)).toBe(true);
      expect(await bucket.objects()).toEqual([...foreign, ...keys.map(({ key }) => key).sort()]);
      await target.remove(keys);
      expect(await target.sweep(place)).toBe(0);
      expect(await bucket.objects()).toEqual(foreign);
    } finally {
      await bucket.dispose();
    }
  });

  test('each of many snapshots is found and pruned by its own keys', async () => {
    const { accessKeyId, secretAccessKey } = server;
    const bucket = await makeBucket(server);
    const target = s3Target({ targetId: 's3', bucket: bucket.name, folder: '', settings: settingsFor(server), keys: { accessKeyId, secretAccessKey } });
    try {
      const copies = Array.from({ length: many / 2 }, (_, at) =>
        ['manifest.json', 'snapshot.db'].map((name) => ({ key: `prod/snapshot-${String(at).padStart(4, '0')}/1/${name}`, versionId: null })));
      await inTens(copies.flat(), ({ key }) => bucket.put(key));
      await inTens(copies, async (keys) => { expect(await target.present(keys)).toBe(true); });
      await inTens(copies.slice(6), (keys) => target.remove(keys));
      expect(await bucket.objects()).toEqual(copies.slice(0, 6).flat().map(({ key }) => key));
    } finally {
      await bucket.dispose();
    }
  });
});
