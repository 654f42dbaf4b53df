import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { RetentionCopy, RetentionDecision, RetentionInput } from './retention.js';
import { planRetention } from './retention.js';

interface Golden extends Omit<RetentionInput, 'leftNodes'> {
  readonly leftNodes?: readonly string[];
  readonly about: string;
  readonly decisions: readonly RetentionDecision[];
}

const folder = new URL('./golden/', import.meta.url);
const golden = readdirSync(folder).map((file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden] as const);

const recurring = (n: number): RetentionCopy[] => Array.from({ length: n }, (_, at) => ({
  snapshotId: `c.${at + 1}`, targetId: 'local', node: null, kind: 'RECURRING', pinned: false, verification: 'STRUCTURE_OK',
}));
const keptOf = (decisions: readonly RetentionDecision[]) => decisions.filter(({ keep }) => keep).map(({ snapshotId }) => snapshotId);

describe('retention', () => {
  test.each(golden)('decides as in golden/%s', (_file, { decisions, copies, retentionCount, targetIds, leftNodes = [] }) => {
    expect(planRetention({ copies, retentionCount, targetIds, leftNodes })).toEqual(decisions);
  });
  test('has golden files', () => expect(golden.length).toBeGreaterThan(8));

  test.each([
    [0, 1, 0], [1, 1, 1], [2, 1, 1], [6, 6, 6], [7, 6, 6], [10_001, 10_000, 10_000],
  ])('of %i copies with a count of %i keeps the newest %i', (stored, retentionCount, kept) => {
    const decisions = planRetention({ copies: recurring(stored), retentionCount, targetIds: ['local'], leftNodes: [] });
    expect(keptOf(decisions)).toEqual(recurring(stored).slice(stored - kept).map(({ snapshotId }) => snapshotId));
  });
  test.each([
    [1, 'newest'], [2, '2nd newest'], [3, '3rd newest'], [4, '4th newest'], [11, '11th newest'], [12, '12th newest'],
    [13, '13th newest'], [21, '21st newest'], [22, '22nd newest'], [103, '103rd newest'], [111, '111th newest'],
  ])('names rank %i as %s', (rank, name) => {
    expect(planRetention({ copies: recurring(rank), retentionCount: 200, targetIds: ['local'], leftNodes: [] })[0]?.reasons).toEqual([`kept: ${name} of 200`]);
  });
});
