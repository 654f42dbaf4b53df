// Processes of mixed roles that are killed at random for a short while; for five minutes in roles.soak.ts.
// What must hold then: see role-evidence.ts.
import { afterAll, beforeAll, test } from '@jest/globals';
import { type ProductionStores, productionSuite } from './production-stores.js';
import { expectRolesSurvive } from './role-evidence.js';

const plan = { forMs: 20_000, longestLifeMs: 2_500, seed: 20_261_125 };

await productionSuite('Roles that are killed at random', (openStores) => {
  let stores: ProductionStores;
  beforeAll(async () => {
    stores = await openStores();
  });
  afterAll(() => stores.dispose());

  test(`no slot, nothing acknowledged and no message is lost or doubled, and everything agrees (seed ${plan.seed})`, async () => {
    await expectRolesSurvive(stores, plan);
  }, 240_000);
});
