import { describe, expect, test } from '@jest/globals';
import { after, broken, codeOf, copy, facts, failed, folded, manual, register, savePolicy, start, taken, types, when } from './cluster-ledger.fixture.js';

const requested = after([], register(), manual('a'));
const running = after(requested, start('a'));
const claim = folded(running).revision;
const progress = (attempt: number) => ({ type: 'ReportProgress', snapshotId: 'c.a', part: 'any', attempt, bytes: 1, totalBytes: 2 } as const);

describe('a claim', () => {
  test('is the next attempt', () => {
    expect(running.at(-1)).toMatchObject({ type: 'SnapshotStarted', data: { attempt: 1, worker: 'w', leaseMs: 30_000 } });
  });
  test('is refused while another holds the part, while another snapshot runs, and once the snapshot ended', () => {
    expect(codeOf(when(running, start('a')))).toBe('CONFLICT');
    expect(codeOf(when(after(running, manual('b')), start('b')))).toBe('IN_PROGRESS');
    expect(codeOf(when(after(running, taken('a')), start('a')))).toBe('CONFLICT');
    expect(codeOf(when(running, start('a', null, 'n9')))).toBe('NOT_FOUND');
  });
  test('takes over only while the sign of life that it names is the latest', () => {
    expect(when(running, start('a', claim))).toMatchObject([{ type: 'SnapshotStarted', data: { attempt: 2 } }]);
    const alive = after(running, progress(1));
    expect(codeOf(when(alive, start('a', claim)))).toBe('CONFLICT');
    expect(types(when(alive, start('a', claim + 1)))).toEqual(['SnapshotStarted']);
  });
  test('does not take over what has failed: that is free', () => {
    const free = after(running, failed('a', 1, [1000]));
    expect(codeOf(when(free, start('a', claim)))).toBe('CONFLICT');
    expect(when(free, start('a'))).toMatchObject([{ data: { attempt: 2 } }]);
  });
});

describe('an attempt that was taken over', () => {
  const over = after(running, start('a', claim));

  test.each([progress(1), taken('a', 1), failed('a', 1)])('is fenced: $type', (command) => {
    expect(codeOf(when(over, command))).toBe('CONFLICT');
  });
  test('does not count as a failure', () => {
    const once = after(over, failed('a', 2, [10, 20]), start('a'));
    expect(once.at(-2)).toMatchObject({ type: 'SnapshotPartFailed', data: { attempt: 2, retryAfterMs: 10 } });
    expect(when(once, failed('a', 3, [10, 20]))).toMatchObject([{ type: 'SnapshotPartFailed', data: { retryAfterMs: 20 } }]);
  });
});

describe('a failed attempt', () => {
  test('is retried with the given pauses, then the snapshot fails in the same append', () => {
    const once = after(running, failed('a', 1, [10, 20]), start('a'));
    const twice = after(once, failed('a', 2, [10, 20]), start('a'));
    expect(twice.at(-2)).toMatchObject({ data: { retryAfterMs: 20 } });
    expect(when(twice, failed('a', 3, [10, 20]))).toMatchObject([
      { type: 'SnapshotPartFailed', data: { retryAfterMs: null } }, { type: 'SnapshotFailed', data: { failure: broken } },
    ]);
  });
  test('told twice is told once', () => {
    expect(when(after(running, failed('a', 1, [10])), failed('a', 1, [10]))).toEqual([]);
  });
});

describe('a part that is taken', () => {
  test('ends the snapshot in the same append', () => {
    expect(when(running, taken('a'))).toMatchObject([
      { type: 'SnapshotPartTaken' }, { type: 'SnapshotTaken', data: { outcome: 'TAKEN', facts, copies: [copy('a')], failedCopies: [] } },
    ]);
    expect(folded(after(running, taken('a')))).toMatchObject({ running: null, openRecurring: null });
  });
  test('told twice is told once, so that nothing stored is withdrawn', () => {
    expect(when(after(running, taken('a')), taken('a'))).toEqual([]);
  });
  test('with a failed copy ends it as PARTIAL', () => {
    const two = after([], register({ targetIds: ['local', 'nas'] }), manual('a'), start('a'));
    const failedCopies = [{ targetId: 'nas', node: null, failure: broken }];
    const outcome = { type: 'RecordPartTaken', snapshotId: 'c.a', part: 'any', attempt: 1, facts, copies: [copy('a')], failedCopies } as const;
    expect(when(two, outcome)).toMatchObject([{}, { type: 'SnapshotTaken', data: { outcome: 'PARTIAL', failedCopies } }]);
    expect(codeOf(when(two, taken('a')))).toBe('INVALID_INPUT');
    expect(codeOf(when(two, taken('a', 1, [])))).toBe('INVALID_INPUT');
  });
});

describe('a snapshot of several nodes', () => {
  const members = ['n1', 'n2'].map((name) => ({ memberId: name, name, clientUrls: [], learner: false }));
  const joins = ['n1', 'n2'].map((node) => ({ type: 'JoinAgent' as const, node, worker: node, endpoint: 'http://x' }));
  const both = after([], register(), savePolicy({ targetIds: ['local', 'nas'] }), { type: 'ObserveMembers', members }, ...joins,
    manual('a'), start('a', null, 'n1'), start('a', null, 'n2'));
  const second = taken('a', 1, [copy('a', 'local', { node: 'n2' })], 'n2');
  const first = taken('a', 1, [copy('a', 'local', { node: 'n1' }), copy('a', 'nas')], 'n1');

  test('ends with its last part, with the copies of all', () => {
    expect(types(when(both, second))).toEqual(['SnapshotPartTaken']);
    expect(when(after(both, second), first)).toMatchObject([{}, { data: { outcome: 'TAKEN', copies: { length: 3 } } }]);
  });
  test('is PARTIAL where a part failed for good, with that part\'s copies as failed', () => {
    expect(when(after(both, second), failed('a', 1, [], 'n1'))).toMatchObject([{}, {
      type: 'SnapshotTaken',
      data: { outcome: 'PARTIAL', failedCopies: [{ targetId: 'local', node: 'n1', failure: broken }, { targetId: 'nas', node: null }] },
    }]);
  });
  test('keeps what was stored when the cluster is removed meanwhile', () => {
    expect(when(after(both, second), { type: 'RemoveCluster' })).toMatchObject([{}, {
      type: 'SnapshotTaken', data: { outcome: 'PARTIAL', failedCopies: [{ failure: { code: 'CLUSTER_REMOVED' } }, {}] },
    }]);
  });
});

describe('a target that belongs to no node', () => {
  const nodes = ['n1', 'n2', 'n3'];
  const members = nodes.map((name) => ({ memberId: name, name, clientUrls: [], learner: false }));
  const joins = nodes.map((node) => ({ type: 'JoinAgent' as const, node, worker: node, endpoint: 'http://x' }));
  const asked = after([], register({ targetIds: ['local', 'nas'] }), { type: 'ObserveMembers', members }, ...joins, manual('a'));
  const own = (node: string) => copy('a', 'local', { node });
  const claim1 = (node: string) => start('a', null, node);
  const alone = (node: string, attempt = 1) => taken('a', attempt, [own(node)], node);
  const feeding = (node: string, attempt = 1) => taken('a', attempt, [own(node), copy('a', 'nas')], node);

  test('is fed by the part that is claimed first, and by no other', () => {
    const claimed = after(asked, claim1('n2'), claim1('n1'));
    expect(codeOf(when(claimed, alone('n2')))).toBe('INVALID_INPUT');
    expect(codeOf(when(claimed, feeding('n1')))).toBe('INVALID_INPUT');
    expect(after(claimed, alone('n1'), feeding('n2'), claim1('n3'), alone('n3')).at(-1)).toMatchObject({ data: { outcome: 'TAKEN', copies: { length: 4 } } });
  });
  test('stays with that part while it is taken over', () => {
    const claimed = after(asked, claim1('n2'));
    const over = after(claimed, start('a', folded(claimed).revision, 'n2'), claim1('n1'));
    expect(types(when(over, feeding('n2', 2)))).toEqual(['SnapshotPartTaken']);
    expect(types(when(over, alone('n1')))).toEqual(['SnapshotPartTaken']);
  });
  test('is fed by the next part that is claimed once the first has failed, for good or not, and not by one that runs already', () => {
    for (const pauses of [[], [1000]]) {
      const free = after(asked, claim1('n2'), claim1('n1'), failed('a', 1, pauses, 'n2'));
      expect(types(when(free, alone('n1')))).toEqual(['SnapshotPartTaken']);
      expect(types(when(after(free, claim1('n3')), feeding('n3')))).toEqual(['SnapshotPartTaken']);
    }
    const again = after(asked, claim1('n2'), failed('a', 1, [1000], 'n2'), claim1('n3'), claim1('n2'));
    expect(types(when(again, alone('n2', 2)))).toEqual(['SnapshotPartTaken']);
  });
  test('has failed with that part where no other was left to feed it', () => {
    const ended = after(asked, claim1('n2'), claim1('n1'), claim1('n3'), alone('n1'), alone('n3'), failed('a', 1, [], 'n2'));
    expect(ended.at(-1)).toMatchObject({ data: {
      outcome: 'PARTIAL', copies: [{ node: 'n1' }, { node: 'n3' }],
      failedCopies: [{ targetId: 'nas', node: null, failure: broken }, { targetId: 'local', node: 'n2', failure: broken }],
    } });
  });
});

describe('a part that nobody claims', () => {
  const silence = { type: 'RecordPartSilent', snapshotId: 'c.a', part: 'any', lastAttempt: 0, lastSign: null,
    failure: { step: 'CLAIM', code: 'AGENT_SILENT', message: 'nobody came' } } as const;

  test('fails for good, and the snapshot with it', () => {
    expect(when(requested, silence)).toMatchObject([
      { type: 'SnapshotPartFailed', data: { attempt: 1, retryAfterMs: null } }, { type: 'SnapshotFailed', data: { failure: { code: 'AGENT_SILENT' } } },
    ]);
  });
  test('goes on when it was claimed meanwhile, or its claim has failed', () => {
    expect(codeOf(when(running, silence))).toBe('CONFLICT');
    expect(codeOf(when(after(running, failed('a', 1, [1000])), silence))).toBe('CONFLICT');
  });
  test('fails as well once it was claimed, unless its holder was heard of since, who is fenced then', () => {
    const lapsed = { ...silence, lastAttempt: 1, lastSign: claim };
    expect(codeOf(when(after(running, progress(1)), lapsed))).toBe('CONFLICT');
    const ended = after(running, lapsed);
    expect(ended.slice(-2)).toMatchObject([{ type: 'SnapshotPartFailed', data: { attempt: 2 } }, { type: 'SnapshotFailed' }]);
    expect(codeOf(when(ended, taken('a')))).toBe('CONFLICT');
    expect(codeOf(when(ended, lapsed))).toBe('CONFLICT');
  });
});
