// Holds docs/errors.md and the catalogue of codes together: none is missing, none is left over, each has a meaning and a remedy.
// Not whether the remedies help.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { errorCodes, failureCodes, failureSteps, userErrorCodes } from '../events/error-codes.js';

const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');

/** The cells of the table under a heading, row by row, without its header. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

describe('docs/errors.md', () => {
  test.each([
    ['Refused mutations', userErrorCodes],
    ['Steps of a snapshot or a prune', failureSteps],
    ['Failed snapshots, copies and prunes', failureCodes],
    ['Errors that end an operation or the process', errorCodes],
  ])('explains every code under "%s", in the order of the catalogue, and no other', (heading, codes) => {
    const rows = rowsUnder(heading);
    expect(rows.map(([code]) => code)).toEqual(codes.map((code) => `\`${code}\``));
    expect(rows.filter((cells) => cells.some((cell) => cell.length < 4))).toEqual([]);
  });
});
