// Processes of mixed roles that are killed at random for five minutes; for a short while in roles-kill.test.ts.
// What must hold then: see role-evidence.ts.
import { afterAll, beforeAll, test } from '@jest/globals';
import { type ProductionStores, productionSuite } from './production-stores.js';
import { expectRolesSurvive } from './role-evidence.js';

const plan = { forMs: 300_000, longestLifeMs: 8_000, seed: 20_261_125 };

await productionSuite('Roles that are killed at random for five minutes', (openStores) => {
  let stores: ProductionStores;
  beforeAll(async () => {
    stores = await openStores();
  });
  afterAll(() => stores.dispose());

  test(`no slot, nothing acknowledged and no message is lost or doubled, and everything agrees (seed ${plan.seed})`, async () => {
    await expectRolesSurvive(stores, plan);
  }, 1_200_000);
});
