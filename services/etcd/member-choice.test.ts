import { describe, expect, test } from '@jest/globals';
import type { EtcdStatus } from './etcd.js';
import { chooseMember } from './member-choice.js';
import type { EndpointAnswer } from './member-choice.js';

function member(endpoint: string, traits: Partial<EtcdStatus> = {}): EndpointAnswer {
  const status: EtcdStatus = {
    endpoint, memberId: endpoint, leader: false, learner: false, version: '3.6.0', dbSize: 1, revision: 1, complaints: [], ...traits,
  };
  return { endpoint, status };
}

const leader = member('a', { leader: true });
const follower = member('b');
const otherFollower = member('c');
const learner = member('d', { learner: true });
const leaderless = member('e', { complaints: ['etcdserver: no leader'] });
const corrupt = member('f', { complaints: ['memberID:1 alarm:CORRUPT '] });
const full = member('g', { complaints: ['memberID:1 alarm:NOSPACE '] });
const down: EndpointAnswer = { endpoint: 'h', error: { code: 'UNREACHABLE', message: 'etcd at h: no connection' } };

describe('the member an attempt reads', () => {
  test.each<[string, EndpointAnswer[], string[], string | null]>([
    ['is a follower rather than the leader', [leader, follower], [], 'b'],
    ['is the leader where it is alone', [leader], [], 'a'],
    ['is the first of several followers', [leader, follower, otherFollower], [], 'b'],
    ['is one not yet tried', [leader, follower, otherFollower], ['b'], 'c'],
    ['is the untried leader rather than a tried follower', [leader, follower], ['b'], 'a'],
    ['is a follower again once all were tried', [leader, follower], ['b', 'a'], 'b'],
    ['is the least often tried', [follower, otherFollower], ['b', 'c', 'b'], 'c'],
    ['is the only one, tried or not', [leader], ['a', 'a'], 'a'],
    ['is never a learner', [learner, leader], ['a', 'a'], 'a'],
    ['is never one without a leader', [leaderless, leader], ['a'], 'a'],
    ['is never one that reports corruption', [corrupt, leader], ['a'], 'a'],
    ['may be one whose quota is used up', [full], [], 'g'],
    ['is never one that did not answer', [down, leader], ['a'], 'a'],
    ['is nobody when none will do', [down, learner, corrupt], [], null],
    ['is nobody without endpoints', [], [], null],
  ])('%s', (_name, answers, tried, endpoint) => {
    expect(chooseMember(answers, tried).endpoint).toBe(endpoint);
  });

  test('when none will do, each endpoint\'s reason is told', () => {
    const { reason } = chooseMember([down, learner, corrupt], []);
    expect(reason).toContain('etcd at h: no connection');
    expect(reason).toContain('etcd at d: it is a learner');
    expect(reason).toContain('CORRUPT');
  });
});
