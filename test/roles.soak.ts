// Processes of mixed roles that are killed at random for five minutes; for a short while in roles-kill.test.ts.
import { productionSuite } from './production-stores.js';
import { rolesSurviveSuite } from './role-evidence.js';

const plan = { forMs: 300_000, longestLifeMs: 8_000, seed: 20_261_125 };

await rolesSurviveSuite(productionSuite, 'Roles that are killed at random for five minutes', plan, 1_200_000);
