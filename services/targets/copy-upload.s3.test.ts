import { expect, test } from '@jest/globals';
import { partSizeFor, partsAtOnce } from './copy-upload.s3.js';

const MIB = 1024 * 1024;
const GB = 1_000_000_000;

test.each([0, 1, 5 * MIB, 16 * MIB, GB, 8 * GB, 50 * GB, 100 * GB, 1000 * GB])('parts for %i bytes are whole MiB, and few enough with a tenth to spare', (expected) => {
  const size = partSizeFor(expected);
  expect(size % MIB).toBe(0);
  expect(size).toBeGreaterThanOrEqual(8 * MIB);
  expect(Math.ceil(expected * 1.1 / size)).toBeLessThanOrEqual(10_000);
});

test('parts under way take less than 40 MB up to 50 GB, and one is always sent', () => {
  for (const expected of [1, GB, 50 * GB]) expect(partSizeFor(expected) * partsAtOnce(partSizeFor(expected))).toBeLessThan(40_000_000);
  expect(partsAtOnce(partSizeFor(5000 * GB))).toBe(1);
});
