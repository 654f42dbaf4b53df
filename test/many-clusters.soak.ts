// 10,000 clusters with slots in one minute; what is printed is in docs/benchmarks.md. A shorter form is in many-clusters.test.ts.
import { test } from '@jest/globals';
import { printFact, printTimes } from '../bench/measured-times.js';
import { megabytes } from '../bench/process-usage.js';
import { expectNoneMissed } from './many-clusters.js';

const clusters = Number(process.env['SOAK_CLUSTERS'] ?? 10_000);

test(`${clusters} clusters with slots in the same minute each get the one snapshot of their slot`, async () => {
  const { registeredPerSecond, requestDelaysMs, snapshotsPerSecond, memory } = await expectNoneMissed({ clusters, leadMs: clusters * 20, seconds: 60 });
  printFact('registrations', `${registeredPerSecond.toFixed(0)}/s`);
  printTimes('from a slot until its request', requestDelaysMs);
  printFact('snapshots, from the first slot to the last completion', `${snapshotsPerSecond.toFixed(1)}/s`);
  printFact('peak RSS (before the minute)', `${megabytes(memory.peakBytes)} (${megabytes(memory.beforeBytes)})`);
});
