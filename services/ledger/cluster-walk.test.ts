// Random walks over a cluster's ledger, seeded: whatever is asked in whatever order, these hold.
import { describe, expect, test } from '@jest/globals';
import type { ClusterEvent, ClusterEventOf } from '../../events/cluster-events.js';
import { encode } from '../../events/catalogue.js';
import type { ClusterCommand } from './cluster-commands.js';
import { decide } from './cluster-decider.js';
import { evolve, evolveAll } from './cluster-fold.js';
import { copy, failed, folded, manual, recurring, register, savePolicy, slot, start, taken } from './cluster-ledger.fixture.js';
import type { ClusterState } from './cluster-state.js';
import { initialState } from './cluster-state.js';
import { isRejection } from './rejection.js';
import { findCopy } from './snapshot-state.js';

/** Mulberry32: numbers in [0, 1), the same ones for the same seed. */
function numbers(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function anyCommand(next: () => number, state: ClusterState, step: number): ClusterCommand {
  const pick = (n: number): number => Math.floor(next() * n);
  const id = `s${pick(step / 4 + 1)}`;
  const part = state.snapshots.get(state.running ?? '')?.parts[0];
  const running = (state.running ?? `c.${id}`).slice(2);
  const of = { snapshotId: `c.${id}`, targetId: 'local', node: null };
  const attempt = Math.max(1, (part?.attempt ?? 1) - pick(2));
  const verification = next() < 0.8 ? 'STRUCTURE_OK' : 'HASH_OK';
  const choices: readonly (() => ClusterCommand)[] = [
    () => recurring(`s${step}`, slot(pick(step + 1))), () => recurring(`s${step}`, slot(step)), () => manual(`s${step}`),
    () => start(id), () => start([...state.open][0]?.slice(2) ?? id), () => start(running, part?.lastSign ?? null),
    () => taken(running, attempt, [copy(running, 'local', { verification })]), () => taken(running, attempt, [copy(running)]),
    () => failed(running, attempt, [5, 5]), () => ({ type: 'ReportProgress', snapshotId: `c.${running}`, part: 'any', attempt, bytes: 1, totalBytes: null }),
    () => ({ type: 'PinSnapshot', snapshotId: `c.${id}` }), () => ({ type: 'UnpinSnapshot', snapshotId: `c.${id}` }),
    () => ({ type: 'DeleteSnapshot', snapshotId: `c.${id}` }), () => ({ type: 'RecordPruned', ...of }),
    () => ({ type: 'RecordVerified', ...of, level: 'STRUCTURE_OK' }), () => savePolicy({ retentionCount: 1 + pick(4) }),
  ];
  const choice = choices[pick(choices.length)];
  return choice ? choice() : manual(`s${step}`);
}

/** What must hold of an event, given the state right before it. */
function faults(before: ClusterState, event: ClusterEvent): readonly string[] {
  switch (event.type) {
    case 'SnapshotStarted':
      return startFaults(before, event.data);
    case 'SnapshotPruneRequested':
      return pruneFaults(before, event.data);
    case 'SnapshotRequested':
    case 'SnapshotSkipped':
      return before.slots.has(event.data.slot ?? 'no slot') ? ['a slot is settled twice'] : [];
    case 'SnapshotTaken':
    case 'SnapshotFailed':
      return before.open.has(event.data.snapshotId) ? [] : ['a snapshot ends twice'];
    default:
      return [];
  }
}

function startFaults(before: ClusterState, { snapshotId, attempt }: ClusterEventOf<'SnapshotStarted'>['data']): readonly string[] {
  const known = before.snapshots.get(snapshotId)?.parts[0]?.attempt ?? 0;
  const others = before.running !== null && before.running !== snapshotId;
  return [...(attempt === known + 1 ? [] : ['attempts do not grow by one']), ...(others ? ['two snapshots run'] : [])];
}

function pruneFaults(before: ClusterState, data: ClusterEventOf<'SnapshotPruneRequested'>['data']): readonly string[] {
  const snapshot = before.snapshots.get(data.snapshotId);
  const known = snapshot && findCopy(snapshot, data);
  if (!snapshot || known?.state !== 'STORED') return ['prune of a copy that is not stored'];
  const byPolicy = snapshot.kind === 'RECURRING' && known.stored?.verification === 'STRUCTURE_OK';
  const rightful = !snapshot.pinned && (data.reason === 'DELETED' || byPolicy);
  return rightful ? [] : [`prune of a copy that must stay: ${data.snapshotId}`];
}

/** The indices, computed anew from all snapshots. */
function indexFaults(state: ClusterState): readonly string[] {
  const all = state.snapshots.valueSeq().toArray();
  const open = all.filter(({ phase }) => phase !== 'ENDED').sort((a, b) => a.order - b.order).map(({ snapshotId }) => snapshotId);
  const running = all.filter(({ phase }) => phase === 'RUNNING').map(({ snapshotId }) => snapshotId);
  const stored = all.filter(({ kind, copies }) => kind === 'RECURRING' && copies.some((one) => one.state === 'STORED')).length;
  const indexed = state.storedRecurring.valueSeq().reduce((sum, ids) => sum + ids.size, 0);
  return [
    ...(JSON.stringify(open) === JSON.stringify(state.open.toArray()) ? [] : ['the index of open snapshots is wrong']),
    ...(JSON.stringify(running) === JSON.stringify(state.running === null ? [] : [state.running]) ? [] : ['more or other snapshots run than is known']),
    ...(stored === indexed ? [] : ['the index of stored copies is wrong']),
  ];
}

describe('a random walk over a cluster\'s ledger', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('keeps every invariant (seed %i)', (seed) => {
    const next = numbers(seed);
    const counts = { accepted: 0, rejected: 0 };
    const kinds = new Set<string>();
    const found: string[] = [];
    let state = evolveAll(initialState(), [...decisionOf(register({ retentionCount: 3 }), initialState())]);
    for (let step = 0; step < 1500; step += 1) {
      const command = anyCommand(next, state, step);
      const decision = decide(command, state);
      counts[isRejection(decision) ? 'rejected' : 'accepted'] += 1;
      for (const event of isRejection(decision) ? [] : decision) {
        encode(event);
        kinds.add(event.type);
        found.push(...faults(state, event));
        state = evolve(state, event, state.revision + 1);
      }
      if (step % 50 === 0) found.push(...indexFaults(state));
    }
    expect(found).toEqual([]);
    expect(counts.accepted).toBeGreaterThan(100);
    expect(counts.rejected).toBeGreaterThan(100);
    expect(kinds).toContain('SnapshotPruneRequested');
    expect(kinds).toContain('SnapshotSkipped');
  });
  test('does not disturb a state that was folded before', () => {
    const before = folded([...decisionOf(register(), initialState())]);
    evolveAll(before, [...decisionOf(manual('a'), before)]);
    expect(before.snapshots.size).toBe(0);
  });
});

function decisionOf(command: ClusterCommand, state: ClusterState): readonly ClusterEvent[] {
  const decision = decide(command, state);
  if (isRejection(decision)) throw new Error(decision.rejected.message);
  return decision;
}
