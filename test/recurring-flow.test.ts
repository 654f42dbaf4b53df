// Recurring snapshots on the embedded stores, in one process. On the production stores: production-flow.test.ts.
// What is tested: see recurring-flow-suite.ts.
import { recurringFlowSuite } from './recurring-flow-suite.js';
import { startSnapkeep } from './snapkeep-process.js';

recurringFlowSuite(() => startSnapkeep());
