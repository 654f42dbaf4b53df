// Processes of mixed roles that are killed at random for a short while; for five minutes in roles.soak.ts.
import { breakableSuite } from './production-stores.js';
import { rolesSurviveSuite } from './role-evidence.js';

const plan = { forMs: 20_000, longestLifeMs: 2_500, seed: 20_261_125 };

await rolesSurviveSuite(breakableSuite, 'Roles that are killed at random', plan, 240_000);
