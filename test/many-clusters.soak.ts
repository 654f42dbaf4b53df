// 10,000 clusters with slots in one minute; what is printed is in docs/benchmarks.md. A shorter form is in many-clusters.test.ts.
import { afterAll, beforeAll, test } from '@jest/globals';
import { printFact, printTimes } from '../bench/measured-times.js';
import { megabytes } from '../bench/process-usage.js';
import { type DueMinute, type Processes, expectNoneMissed } from './many-clusters.js';
import { type ProductionStores, productionSuite } from './production-stores.js';

const clusters = Number(process.env['SOAK_CLUSTERS'] ?? 10_000);
/** What stands in for MongoDB reads all rows of a collection for most questions, and so takes the square of it. */
const clustersOnSharedStores = Number(process.env['SOAK_SHARED_CLUSTERS'] ?? 200);

test(`${clusters} clusters with slots in the same minute each get the one snapshot of their slot`, async () => {
  print(await expectNoneMissed({ clusters, leadMs: clusters * 20, seconds: 60 }));
});

await productionSuite('Many clusters on shared stores', (openStores) => {
  let stores: ProductionStores;
  beforeAll(async () => {
    stores = await openStores();
  });
  afterAll(() => stores.dispose());

  test(`${clustersOnSharedStores} clusters with slots in the same minute each get the one snapshot of their slot, each role a process`, async () => {
    const roles = ['api', 'projector', 'scheduler', 'worker'].map((role) => [role, { ...stores.env, SNAPKEEP_ROLES: role }] as const);
    const processes: Processes = Object.fromEntries(roles);
    print(await expectNoneMissed({ clusters: clustersOnSharedStores, leadMs: clustersOnSharedStores * 200, seconds: 60 }, processes));
  });
});

function print({ registeredPerSecond, requestDelaysMs, snapshotsPerSecond, use }: DueMinute): void {
  printFact('registrations', `${registeredPerSecond.toFixed(0)}/s`);
  printTimes('from a slot until its request', requestDelaysMs);
  printFact('snapshots, from the first slot to the last completion', `${snapshotsPerSecond.toFixed(1)}/s`);
  for (const [name, { beforeBytes, peakBytes, seconds }] of use) {
    printFact(`${name}: RSS before the minute, at its peak; processor`, `${megabytes(beforeBytes)}, ${megabytes(peakBytes)}; ${seconds.toFixed(1)} s`);
  }
}
