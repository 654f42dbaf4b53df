// The core's flow on the embedded stores, in one process. On the production stores: production-flow.test.ts.
// What the flow is: see flow-suite.ts.
import { flowSuite } from './flow-suite.js';
import { startSnapkeep } from './snapkeep-process.js';

flowSuite(() => startSnapkeep());
