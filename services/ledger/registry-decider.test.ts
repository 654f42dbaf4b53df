import { describe, expect, test } from '@jest/globals';
import { after, codeOf, connection, folded, later, manual, pathOf, register, savePolicy, start, taken, types, when } from './cluster-ledger.fixture.js';
import { agentNodes, hasLeft } from './cluster-state.js';

const registered = after([], register());

describe('a cluster', () => {
  test('gets the default policy when it is registered', () => {
    expect(registered).toMatchObject([{ type: 'ClusterRegistered' }, {
      type: 'PolicyUpdated',
      data: { revision: 1, targetIds: ['local'], retentionCount: 6, recurring: { enabled: true, intervalHours: 12, cron: null } },
    }]);
  });
  test('registered as legacy has no policy until it is saved once', () => {
    const legacy = after([], register(null, true));
    expect(folded(legacy).policy).toBeNull();
    expect(folded(after(legacy, savePolicy({}))).policy).toMatchObject({ revision: 1, recurring: { enabled: true, anchor: later } });
  });
  test('is not both legacy and given a policy', () => {
    expect(pathOf(when([], register({}, true)))).toEqual(['policy']);
  });
  test('names the field of the policy it was given wrongly', () => {
    expect(pathOf(when([], register({ cron: 'nonsense' })))).toEqual(['policy', 'cron']);
  });
  test('never gets an id that was used before, removed or not', () => {
    expect(codeOf(when(registered, register()))).toBe('ALREADY_EXISTS');
    expect(codeOf(when(after(registered, { type: 'RemoveCluster' }), register()))).toBe('ALREADY_EXISTS');
  });
  test.each(['', 'Big', '-a', 'a-', 'a_b', 'a'.repeat(64)])('is not registered under the id "%s"', (clusterId) => {
    const command = { type: 'RegisterCluster' as const, clusterId, name: 'C', connection, legacy: false, policy: null, now: later };
    expect(pathOf(when([], command))).toEqual(['id']);
  });
  test.each([[[]], [['127.0.0.1:2379']], [['ftp://h']], [['http://h/path']], [['http://h?x']], [['not a url']]])('is not reached by %j', (endpoints) => {
    expect(pathOf(when(registered, { type: 'UpdateCluster', connection: { ...connection, endpoints } }))).toEqual(['endpoints']);
  });
  test('does not repeat credentials that were put into an endpoint', () => {
    const decision = when(registered, { type: 'UpdateCluster', connection: { ...connection, endpoints: ['http://root:hunter2@h:2379'] } });
    expect(JSON.stringify(decision)).not.toContain('hunter2');
    expect(pathOf(decision)).toEqual(['endpoints']);
  });
  test('unknown to the ledger is not found by any other command', () => {
    expect(codeOf(when([], { type: 'RemoveCluster' }))).toBe('NOT_FOUND');
    expect(codeOf(when([], manual('a')))).toBe('NOT_FOUND');
  });
  test('is not reached in a way that was made from one it has no longer', () => {
    const [moved, again] = ['http://moved:2379', 'http://again:2379'].map((endpoint) => ({ ...connection, endpoints: [endpoint] }));
    const edited = after(registered, { type: 'UpdateCluster', connection: moved, madeFrom: connection });
    expect(codeOf(when(edited, { type: 'UpdateCluster', connection: again, madeFrom: connection }))).toBe('CONFLICT');
    expect(types(when(edited, { type: 'UpdateCluster', connection: again, madeFrom: moved }))).toEqual(['ClusterUpdated']);
  });
  test('edited without a change writes nothing', () => {
    expect(when(registered, { type: 'UpdateCluster', name: 'C' })).toEqual([]);
    expect(types(when(registered, { type: 'UpdateCluster', name: 'D' }))).toEqual(['ClusterUpdated']);
  });
});

describe('removing a cluster', () => {
  const removal = { type: 'RemoveCluster' } as const;
  const busy = after(registered, manual('a'), manual('b'), start('a'));

  test('fails its open requests and fences what still runs', () => {
    expect(when(busy, removal)).toMatchObject([
      { type: 'ClusterRemoved' },
      { type: 'SnapshotFailed', data: { snapshotId: 'c.a', failure: { code: 'CLUSTER_REMOVED' } } },
      { type: 'SnapshotFailed', data: { snapshotId: 'c.b', failure: { code: 'CLUSTER_REMOVED' } } },
    ]);
    expect(codeOf(when(after(busy, removal), taken('a')))).toBe('CONFLICT');
  });
  test('is done once', () => {
    expect(when(after(busy, removal), removal)).toEqual([]);
  });
  test('ends saving, editing and requesting, but not pinning and deleting', () => {
    const removed = after(registered, manual('a'), start('a'), taken('a'), removal);
    expect([savePolicy({}), { type: 'UpdateCluster' as const, name: 'x' }, manual('z')].map((command) => codeOf(when(removed, command))))
      .toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT']);
    expect(types(when(removed, { type: 'PinSnapshot', snapshotId: 'c.a' }))).toEqual(['SnapshotPinned']);
    expect(types(when(removed, { type: 'DeleteSnapshot', snapshotId: 'c.a' }))).toEqual(['SnapshotPruneRequested']);
  });
});

describe('agents', () => {
  const member = (name: string) => ({ memberId: name, name, clientUrls: [], learner: false });
  const join = { type: 'JoinAgent', node: 'n1', worker: 'w1', endpoint: 'http://n1' } as const;
  const joined = after(registered, { type: 'ObserveMembers', members: [member('n1'), member('n2')] }, join);

  test('belong to a node while joined and while its member was last observed', () => {
    expect(agentNodes(folded(joined))).toEqual(['n1']);
    expect(agentNodes(folded(after(joined, { type: 'ObserveMembers', members: [member('n2')] })))).toEqual([]);
    expect(agentNodes(folded(after(joined, { type: 'LeaveAgent', node: 'n1', worker: 'w1' })))).toEqual([]);
  });
  test('are gone with their member, and join again while they live', () => {
    const gone = { type: 'ObserveMembers', members: [member('n2')] } as const;
    expect(when(joined, gone)).toMatchObject([{ type: 'MembersObserved' }, { type: 'AgentLeft', data: { node: 'n1', worker: 'w1' } }]);
    expect([joined, after(joined, gone), after(joined, gone, join)].map((events) => hasLeft(folded(events), 'n1'))).toEqual([false, true, false]);
  });
  test('serve no node of the name that stands for any', () => {
    for (const node of ['any', '']) expect(codeOf(when(registered, { ...join, node }))).toBe('INVALID_INPUT');
  });
  test('and members that are known already write nothing', () => {
    expect(when(joined, join)).toEqual([]);
    expect(when(joined, { type: 'ObserveMembers', members: [member('n1'), member('n2')] })).toEqual([]);
    expect(when(joined, { type: 'LeaveAgent', node: 'n1', worker: 'another' })).toEqual([]);
  });
});
