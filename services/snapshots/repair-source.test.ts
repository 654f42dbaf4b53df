import { describe, expect, test } from '@jest/globals';
import type { StoredCopyFact } from '../../events/cluster-events.js';
import { after, broken, copy, folded, manual, register, start, taken } from '../ledger/cluster-ledger.fixture.js';
import type { SnapshotState } from '../ledger/snapshot-state.js';
import { originsOf } from './repair-source.js';

const members = ['n1', 'n2'].map((name) => ({ memberId: name, name, clientUrls: [], learner: false }));
const joins = members.map(({ name }) => ({ type: 'JoinAgent' as const, node: name, worker: name, endpoint: 'http://x' }));
const own = (node: string): StoredCopyFact => copy('a', 'local', { node, storedOn: node, location: node });
const inBucket = copy('a', 's3', { storedOn: null, location: 's3' });

/** n1 feeds s3 and s4, and could not store on s4. */
function ended(): SnapshotState {
  const part = { type: 'RecordPartTaken', snapshotId: 'c.a', part: 'n1', attempt: 1 } as const;
  const { facts } = taken('a') as Extract<ReturnType<typeof taken>, { readonly type: 'RecordPartTaken' }>;
  const events = after([], register({ targetIds: ['local', 's3', 's4'] }), { type: 'ObserveMembers', members }, ...joins, manual('a'),
    start('a', null, 'n1'), start('a', null, 'n2'), taken('a', 1, [own('n2')], 'n2'),
    { ...part, facts, copies: [own('n1'), inBucket], failedCopies: [{ targetId: 's4', node: null, failure: broken }] });
  const snapshot = folded(events).snapshots.get('c.a');
  if (!snapshot) throw new Error('no snapshot');
  return snapshot;
}

const found = (part: string, nodeId: string, spool: string | null = null): readonly string[] =>
  originsOf(ended(), { part, spool, nodeId }).map((origin) => (origin.kind === 'spool' ? origin.file : origin.stored.location));

describe('what a copy can be made from', () => {
  test('are the spool and the copies of the same read, those on this disk first', () => {
    expect(found('n1', 'n1', '/spool')).toEqual(['/spool', 'n1', 's3']);
  });
  test('is nothing that another node holds alone, nor what holds another member\'s bytes', () => {
    expect(found('n1', 'n2')).toEqual(['s3']);
    expect(found('n2', 'n2')).toEqual(['n2']);
    expect(found('n2', 'n1')).toEqual([]);
  });
});
