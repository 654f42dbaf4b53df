// Notes which suite ran on which server, one line of JSON each in the file SNAPKEEP_TEST_REPORT, for the table at a run's end (suite-table.mjs).
// Not whether it passed: that is jest's own report, in which the suite has the same name.
import { appendFileSync } from 'node:fs';

/** Called where the suite is registered. `server`: the real one or the stand-in; null where it is not run, since none can be had. */
export function reportSuite(suite: string, server: string | null): void {
  const file = process.env['SNAPKEEP_TEST_REPORT'];
  if (file) appendFileSync(file, `${JSON.stringify({ suite, server: server ?? 'none can be had', outcome: server === null ? 'NOT RUN' : 'RUN' })}\n`);
}
