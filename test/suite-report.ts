// Notes which suite ran on which server, for the table at the end of a run: one line of JSON each in the file SNAPKEEP_TEST_REPORT.
// Not whether it passed: that is jest's own report, in which the suite has the same name.
import { appendFileSync } from 'node:fs';

export interface SuiteLine {
  readonly suite: string;
  /** The real server or the stand-in; for a suite that is not run, what is missing. */
  readonly server: string;
  readonly outcome: 'RUN' | 'NOT RUN';
}

/** Called where the suite is registered. */
export function reportSuite(suite: string, server: string, outcome: SuiteLine['outcome'] = 'RUN'): void {
  const file = process.env['SNAPKEEP_TEST_REPORT'];
  const line: SuiteLine = { suite, server, outcome };
  if (file) appendFileSync(file, `${JSON.stringify(line)}\n`);
}
