// The snapshot's row from request to prune: given(events) → row.
import { describe, expect, test } from '@jest/globals';
import type { DomainEvent } from '../events/catalogue.js';
import {
  copy, facts, failedCopy, failure, minute, one, positionAt, progressed, pruned, requested, snapshotId, started, stored, taken,
} from './event-samples.fixture.js';
import { noRows, project } from './projection.js';
import type { SnapshotRow } from './read-model.js';

function given(...events: readonly DomainEvent[]): SnapshotRow {
  const row = project(stored([requested(), ...events]), noRows()).snapshots.at(-1);
  if (row === undefined) throw new Error('no row');
  return row;
}

const states = ({ copies }: SnapshotRow): string[] => copies.map(({ targetId, node, state }) => [targetId, node, state].filter(Boolean).join(' '));
const partFailed = (retryAfterMs: number | null): DomainEvent =>
  ({ type: 'SnapshotPartFailed', data: { snapshotId, part: 'any', attempt: 1, failure, retryAfterMs } });
const whole = taken({ copies: [copy('local'), copy('nas')] });
const half = taken({ copies: [copy('local')], failedCopies: [failedCopy('nas')] });

describe('the row of a snapshot', () => {
  test('shows a request with a pending copy for each of its targets', () => {
    expect(given()).toMatchObject({
      snapshotId, clusterId: 'prod', order: positionAt(1), state: 'REQUESTED', requestedAt: minute(1), requestedBy: 'ada', attempts: 0,
      progress: null, takenAt: null, completedAt: null, failure: null, pinned: false, verification: 'NONE',
    });
    expect(states(given())).toEqual(['local PENDING', 'nas PENDING']);
  });

  test('runs while an attempt has a claim, with its progress', () => {
    expect(given(started())).toMatchObject({ state: 'RUNNING', startedAt: minute(2), attempts: 1, progress: { bytes: 0, totalBytes: null } });
    expect(given(started(), progressed(100, 4096))).toMatchObject({ state: 'RUNNING', progress: { bytes: 100, totalBytes: 4096 } });
  });

  test('waits again between a failed attempt and the next, without a failure of its own', () => {
    const between = given(started(), progressed(100, 4096), partFailed(1000));
    expect(between).toMatchObject({ state: 'REQUESTED', progress: null, failure: null, startedAt: minute(2), attempts: 1 });
    expect(given(started(), partFailed(1000), started(2))).toMatchObject({ state: 'RUNNING', startedAt: minute(2), attempts: 2 });
  });

  test('is taken with the facts of the read and every copy stored', () => {
    const row = given(started(), ...whole);
    const { takenAt, revision, keyCount, dbSize, sha256, etcdVersion, member, durationMs } = facts();
    expect(row).toMatchObject({ state: 'TAKEN', takenAt, revision, keyCount, dbSize, sha256, etcdVersion, member, durationMs });
    expect(row).toMatchObject({ completedAt: minute(4), progress: null, verification: 'STRUCTURE_OK', failure: null });
    expect(row.copies[0]).toMatchObject({
      state: 'STORED', storedOn: 'n1', location: '/local/prod/x/1/snapshot.db', revision, sha256, storedSize: 4096, encoding: [], verifiedAt: minute(3),
    });
  });

  test('says of each copy how it is encoded', () => {
    const encoded = { ...copy('nas'), encoding: ['zstd', 'age'] as const };
    expect(given(started(), ...taken({ copies: [copy('local'), encoded] })).copies.map(({ encoding }) => encoding)).toEqual([[], ['zstd', 'age']]);
  });

  test('is partial while a copy failed, and taken once that copy is stored behind it', () => {
    const row = given(started(), ...half);
    expect(row.state).toBe('PARTIAL');
    expect(row.copies[1]?.failure).toMatchObject({ code: 'DISK_FULL', at: minute(3) });
    const repaired = given(started(), ...half, { type: 'SnapshotCopyStored', data: { snapshotId, copy: copy('nas') } });
    expect(repaired.state).toBe('TAKEN');
    expect(repaired.copies[1]).toMatchObject({ state: 'STORED', failure: null, revision: 42 });
    expect(repaired.completedAt).toBe(minute(4));
  });

  test('fails for good with the failure and no copy left pending', () => {
    const row = given(started(), partFailed(null), { type: 'SnapshotFailed', data: { snapshotId, failure } });
    expect(row).toMatchObject({ state: 'FAILED', failure: { ...failure, at: minute(4) }, completedAt: minute(4), progress: null, verification: 'NONE' });
    expect(states(row)).toEqual(['local FAILED', 'nas FAILED']);
  });

  test('is pruned when none of its copies is stored any more', () => {
    const before = given(started(), ...whole, ...pruned('local'));
    expect([before.state, ...states(before)]).toEqual(['TAKEN', 'local PRUNED', 'nas STORED']);
    expect(given(started(), ...whole, ...pruned('local'), ...pruned('nas'))).toMatchObject({ state: 'PRUNED', verification: 'NONE' });
    expect(given(started(), ...half, ...pruned('local')).state).toBe('PRUNED');
  });

  test('keeps a copy that could not be deleted as being pruned, with the failure', () => {
    const [intent] = pruned('local');
    const gone: DomainEvent = { type: 'SnapshotPruneFailed', data: { snapshotId, targetId: 'local', node: null, failure, retryAfterMs: 1000 } };
    const row = given(started(), ...whole, ...(intent ? [intent] : []), gone);
    expect(row.state).toBe('TAKEN');
    expect(row.copies[0]).toMatchObject({ state: 'PRUNING', failure: { code: 'STREAM_BROKEN', at: minute(6) } });
  });

  test('has the lowest level that holds for every stored copy', () => {
    const verified = (targetId: string): DomainEvent =>
      ({ type: 'SnapshotVerified', data: { snapshotId, targetId, node: null, level: 'READ_BACK' } });
    expect(given(started(), ...whole, verified('nas')).verification).toBe('STRUCTURE_OK');
    const both = given(started(), ...whole, verified('nas'), verified('local'));
    expect(both.verification).toBe('READ_BACK');
    expect(both.copies[0]?.verifiedAt).toBe(minute(6));
  });

  test('is pinned and unpinned', () => {
    const pin: DomainEvent = { type: 'SnapshotPinned', data: { snapshotId } };
    expect(given(pin).pinned).toBe(true);
    expect(given(pin, { type: 'SnapshotUnpinned', data: { snapshotId } }).pinned).toBe(false);
  });

  test('promises the local copies of node parts on their nodes and runs until its last part has ended', () => {
    const parts = [{ part: 'n1', targetIds: ['local', 'nas'] }, { part: 'n2', targetIds: ['local'] }];
    const rows = (...events: DomainEvent[]): SnapshotRow | undefined =>
      project(stored([requested(parts), ...events]), noRows()).snapshots[0];
    const first: DomainEvent = {
      type: 'SnapshotPartTaken',
      data: { snapshotId, part: 'n1', attempt: 1, facts: facts(minute(3), 42), copies: [copy('local', 'n1'), copy('nas')], failedCopies: [] },
    };
    const second: DomainEvent = {
      type: 'SnapshotPartTaken',
      data: { snapshotId, part: 'n2', attempt: 1, facts: facts(minute(4), 45), copies: [copy('local', 'n2')], failedCopies: [] },
    };
    const end: DomainEvent = {
      type: 'SnapshotTaken',
      data: { snapshotId, outcome: 'TAKEN', facts: facts(minute(3), 42), copies: [copy('local', 'n1'), copy('nas'), copy('local', 'n2')], failedCopies: [] },
    };
    const open = rows();
    expect(open && states(open)).toEqual(['local n1 PENDING', 'nas PENDING', 'local n2 PENDING']);
    expect(rows(started(1, 'n1'), first)).toMatchObject({ state: 'RUNNING', takenAt: minute(3), completedAt: null });
    const ended = rows(started(1, 'n1'), first, started(1, 'n2'), second, end);
    expect(ended).toMatchObject({ state: 'TAKEN', revision: 42 });
    expect(ended?.copies.map(({ revision }) => revision)).toEqual([42, 42, 45]);
  });

  test('says of a copy that was made up for which read it holds: its part\'s, else that of the first part taken', () => {
    const parts = ['n1', 'n2', 'n3'].map((part) => ({ part, targetIds: ['local', 'nas', 'nas2'] }));
    const read = (part: string, revision: number, failedCopies: readonly ReturnType<typeof failedCopy>[]): DomainEvent => ({
      type: 'SnapshotPartTaken', data: { snapshotId, part, attempt: 1, facts: facts(minute(3), revision), copies: [copy('local', part)], failedCopies },
    });
    const end: DomainEvent = { type: 'SnapshotTaken', data: {
      snapshotId, outcome: 'PARTIAL', facts: facts(minute(3), 42), copies: [copy('local', 'n1'), copy('local', 'n2')],
      failedCopies: [failedCopy('nas'), failedCopy('nas2'), failedCopy('local', 'n3')],
    } };
    const made = (targetId: string): DomainEvent => ({ type: 'SnapshotCopyStored', data: { snapshotId, copy: copy(targetId) } });
    const events = [requested(parts), read('n1', 42, []), read('n2', 45, [failedCopy('nas')]), end, made('nas'), made('nas2')];
    const row = project(stored(events), noRows()).snapshots[0];
    expect(row?.copies.map(({ targetId, node, state, revision }) => [targetId, node, state, revision])).toEqual([
      ['local', 'n1', 'STORED', 42], ['nas', null, 'STORED', 45], ['nas2', null, 'STORED', 42], ['local', 'n2', 'STORED', 45], ['local', 'n3', 'FAILED', null],
    ]);
  });

  test('does not depend on how the log is cut into batches', () => {
    const events = stored([requested(one), started(), progressed(5, 10), ...half, ...pruned('local')]);
    const rows = noRows();
    for (const event of events) project([event], rows);
    expect(JSON.stringify(rows.snapshots.get(snapshotId))).toBe(JSON.stringify(project(events, noRows()).snapshots[0]));
  });

  test('events that a row shows already change nothing, also among new ones', () => {
    const events = stored([requested(one), started(), progressed(5, 10), ...half, ...pruned('local')]);
    const once = JSON.stringify(project(events, noRows()).snapshots[0]);
    for (const shown of events.keys()) {
      const rows = noRows();
      project(events.slice(0, shown + 1), rows);
      expect(JSON.stringify(project(events, rows).snapshots[0])).toBe(once);
    }
  });

  test('an event about a snapshot that the rows do not know is refused by name', () => {
    expect(() => project(stored([started()]), noRows())).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT', message: expect.stringContaining(snapshotId) }));
  });
});
