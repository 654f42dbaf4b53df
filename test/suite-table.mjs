// Jest's reporter of which suite ran on which server: one table at the end of a run, so that nothing that was skipped looks passed.
// The lines are noted by suite-report.ts; whether the tests passed is jest's own report.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default class SuiteTable {
  onRunStart() {
    this.folder = mkdtempSync(join(tmpdir(), 'snapkeep-suites-'));
    process.env.SNAPKEEP_TEST_REPORT = join(this.folder, 'suites.jsonl');
    writeFileSync(process.env.SNAPKEEP_TEST_REPORT, '');
  }

  onRunComplete() {
    const lines = readFileSync(process.env.SNAPKEEP_TEST_REPORT, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
    rmSync(this.folder, { recursive: true });
    if (lines.length === 0) return;
    const width = Math.max(...lines.map(({ suite }) => suite.length));
    const rows = lines.map(({ suite, server, outcome }) => `  ${suite.padEnd(width)}  ${outcome.padEnd(7)}  ${server}`).sort();
    process.stderr.write(`\nSuites on servers:\n${rows.join('\n')}\n`);
  }
}
