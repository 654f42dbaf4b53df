// As many as a test has time for; 10,000 in many-clusters.soak.ts.
import { expect, test } from '@jest/globals';
import { expectNoneMissed } from './many-clusters.js';

test('120 clusters with slots in the same minute each get the one snapshot of their slot', async () => {
  const { requestDelaysMs } = await expectNoneMissed({ clusters: 120, leadMs: 15_000, seconds: 5 });
  expect(Math.min(...requestDelaysMs)).toBeGreaterThanOrEqual(0);
}, 300_000);
