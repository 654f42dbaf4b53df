import { describe, expect, test } from '@jest/globals';
import type { OpenRepair } from './open-repairs.js';
import type { OpenPart, OpenPrune } from './open-work.js';
import { type WorkerPlace, canPrune, isNodePart, isOwnPart, repairTakeOverMs, repairWaitMs } from './work-reach.js';

const agentOf = (clusterId: string, node: string): WorkerPlace =>
  ({ worker: `${clusterId}/${node}`, nodeId: node, agent: { clusterId, node, endpoint: 'http://x' } });
const plain: WorkerPlace = { worker: 'w', nodeId: 'n1', agent: null };

const part = (clusterId: string, name: string) => ({ clusterId, part: name }) as OpenPart;
const prune = (clusterId: string, node: string | null, storedOn: string | null) => ({ clusterId, intent: { node, storedOn } }) as OpenPrune;
const repair = (node: string | null, readBy: string, storedOn: readonly (string | null)[], readPart = 'any') =>
  ({ clusterId: 'a', part: readPart, node, readBy, storedOn }) as OpenRepair;

describe('the part of a node', () => {
  test('is for the agent of that node of that cluster', () => {
    expect([agentOf('a', 'n1'), agentOf('a', 'n2'), agentOf('b', 'n1'), plain].map((here) => isOwnPart(here, part('a', 'n1')))).toEqual([true, false, false, false]);
  });
  test('is not the part for anyone', () => {
    expect([part('a', 'any'), part('a', 'n1')].map(isNodePart)).toEqual([false, true]);
  });
});

describe('a prune', () => {
  test.each([
    ['what every worker reaches', prune('a', null, null), [true, true, true]],
    ['what lies on its disk', prune('a', null, 'n1'), [true, true, true]],
    ['what lies on another disk', prune('a', null, 'n9'), [false, false, false]],
    ['a node\'s own copy, not that of a node of the same name elsewhere', prune('a', 'n1', 'n1'), [true, false, true]],
  ])('is for whoever reaches %s', (_, open, expected) => {
    expect([agentOf('a', 'n1'), agentOf('b', 'n1'), plain].map((here) => canPrune(here, open))).toEqual(expected);
  });
});

describe('a repair', () => {
  test('of a node\'s own copy is made on that node only', () => {
    expect([agentOf('a', 'n1'), agentOf('b', 'n1'), agentOf('a', 'n2')].map((here) => repairWaitMs(here, repair('n1', 'a/n1', [null])))).toEqual([0, null, null]);
  });
  test('is made at once by who read it, later by who can read a copy of it, and by nobody else', () => {
    const places = [plain, { ...plain, worker: 'other' }, { ...plain, worker: 'far', nodeId: 'n2' }];
    expect(places.map((here) => repairWaitMs(here, repair(null, 'w', ['n1'])))).toEqual([0, repairTakeOverMs, null]);
    expect(places.map((here) => repairWaitMs(here, repair(null, 'w', [null])))).toEqual([0, repairTakeOverMs, repairTakeOverMs]);
    expect(places.map((here) => repairWaitMs(here, repair(null, 'w', [])))).toEqual([0, null, null]);
  });
  test('from a copy on a node\'s disk is not made on a node of the same name in another cluster', () => {
    const places = [agentOf('a', 'n1'), agentOf('b', 'n1')];
    expect(places.map((here) => repairWaitMs(here, repair(null, 'w', ['n1'], 'n1')))).toEqual([repairTakeOverMs, null]);
    expect(places.map((here) => repairWaitMs(here, repair(null, 'w', ['n1'])))).toEqual([repairTakeOverMs, repairTakeOverMs]);
  });
});
