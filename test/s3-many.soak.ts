// 2,500 snapshots of one cluster on the real S3 server, through the target itself: stored, found, and pruned exactly.
// A shorter form is in s3-many.test.ts; what the ledger and the lists make of as many is tested where they are.
import { expect, test } from '@jest/globals';
import { wholeSource } from '../services/targets/copy-source.fixture.js';
import type { StoredCopy } from '../services/targets/target.js';
import { s3Target } from '../services/targets/target.s3.js';
import { inTens } from './in-tens.js';
import { makeBucket, settingsFor } from './s3-bucket.js';
import { s3Suite } from './s3-suite.js';

const snapshots = 2_500;
const kept = 6;
const never = new AbortController().signal;

await s3Suite('Many snapshots on S3', (server) => {
  test(`${snapshots} snapshots are stored and found, and all but ${kept} are pruned`, async () => {
    const { accessKeyId, secretAccessKey } = server;
    const bucket = await makeBucket(server);
    const target = s3Target({ targetId: 's3', bucket: bucket.name, folder: 'many/', settings: settingsFor(server), keys: { accessKeyId, secretAccessKey } });
    const expectObjects = async (copies: readonly StoredCopy[]): Promise<void> => {
      expect(await bucket.objects()).toEqual(copies.flatMap(({ keys }) => keys).map(({ key }) => key).sort());
    };
    const expectPresent = async (copies: readonly StoredCopy[], present: boolean): Promise<void> => {
      await inTens(copies, async ({ keys }) => { expect(await target.present(keys)).toBe(present); });
    };
    try {
      const source = wholeSource(Buffer.from('database'));
      const places = Array.from({ length: snapshots }, (_, at) => ({ folder: `prod/snapshot-${String(at).padStart(5, '0')}/1` }));
      const stored: StoredCopy[] = [];
      await inTens(places, async (place) => { stored.push(await target.store(place, source, never)); });
      await expectObjects(stored);
      await expectPresent(stored, true);
      const pruned = stored.slice(kept);
      await inTens(pruned, ({ keys }) => target.remove(keys));
      await expectObjects(stored.slice(0, kept));
      await expectPresent(pruned, false);
      expect(await bucket.uploads()).toEqual([]);
    } finally {
      await bucket.dispose();
    }
  });
});
