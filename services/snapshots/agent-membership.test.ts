import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { untilTrue } from '../../test/eventual-fact.js';
import type { DomainEvent } from '../../events/catalogue.js';
import { type ClusterEvent, clusterStream } from '../../events/cluster-events.js';
import { SnapkeepError } from '../../events/errors.js';
import type { EventStore } from '../../events/event-store.js';
import { openSqliteEventStore } from '../../events/event-store.sqlite.js';
import type { Etcd, EtcdMember } from '../etcd/etcd.js';
import type { ClusterCommand } from '../ledger/cluster-commands.js';
import { agentNodes } from '../ledger/cluster-state.js';
import { type CommandHandler, createCommandHandler } from '../ledger/command-handler.js';
import { type AgentMembership, type MembershipParts, agentMembership } from './agent-membership.js';

const now = '2026-11-23T06:00:00.000Z';
const context = { actor: 'test', correlationId: 'c', causationId: 'c' };
const connection = { endpoints: ['http://seed'], ca: null, clientCertificate: null, username: null, secretRef: null };
const member = (name: string): EtcdMember => ({ memberId: name, name, clientUrls: [], learner: false });
const agent = { clusterId: 'a', node: 'n1', endpoint: 'http://n1' };

let store: EventStore;
let commands: CommandHandler;
let membership: AgentMembership;
let ids = 0;

beforeEach(() => {
  store = openSqliteEventStore(':memory:');
  commands = createCommandHandler({ store, now: () => now, newId: () => `id-${ids++}` });
});
afterEach(async () => {
  await membership.end();
  await store.close();
});

const execute = async (command: ClusterCommand): Promise<void> => {
  const executed = await commands.executeCluster('a', command, context);
  if (executed.outcome === 'rejected') throw new Error(executed.rejection.rejected.message);
};
const register = () => execute({ type: 'RegisterCluster', clusterId: 'a', name: 'a', connection, legacy: true, policy: null, now });
const nodes = async (): Promise<readonly string[]> => agentNodes(await commands.clusterState('a'));
const told = async (): Promise<readonly ClusterEvent[]> => {
  const events: DomainEvent[] = [];
  for await (const { event } of store.readStream(clusterStream('a'))) events.push(event);
  return events as readonly ClusterEvent[];
};
const joins = async (): Promise<number> => (await told()).filter(({ type }) => type === 'AgentJoined').length;
/** Everything so far, as the worker hands it on. */
const seeAll = async (): Promise<void> => {
  for (const event of await told()) membership.see('a', event);
};

function memberOf(parts: Partial<MembershipParts> = {}): AgentMembership {
  const connectEtcd: MembershipParts['connectEtcd'] = ({ endpoints }) => ({
    members: async () => (endpoints[0] === agent.endpoint ? [member('n1'), member('n2')] : []), close: () => undefined,
  }) as Partial<Etcd> as Etcd;
  membership = agentMembership({ agent, worker: 'w', commands, vault: { get: async () => null }, connectEtcd, log: pino({ level: 'silent' }), ...parts });
  return membership;
}

describe('an agent', () => {
  test('joins and tells who is in the cluster, as its own member sees it, so that the next snapshot is asked of it', async () => {
    await register();
    memberOf().begin();
    await untilTrue('it serves its node', async () => (await nodes()).includes('n1'));
  });

  test('joins once its cluster is registered', async () => {
    memberOf().begin();
    await register();
    await seeAll();
    await untilTrue('it serves its node', async () => (await nodes()).includes('n1'));
  });

  test('tries again while the log does not take it', async () => {
    await register();
    let refusals = 1;
    const executeCluster: CommandHandler['executeCluster'] = (...asked) => {
      refusals -= 1;
      if (refusals >= 0) throw new SnapkeepError('IN_DOUBT', 'the log does not answer');
      return commands.executeCluster(...asked);
    };
    memberOf({ commands: { ...commands, executeCluster } }).begin();
    await untilTrue('it serves its node', async () => (await nodes()).includes('n1'));
  });

  test('that is dropped with its member while it lives joins again, also when its etcd does not answer', async () => {
    await register();
    const connectEtcd = () => ({ members: async () => { throw new Error('no answer'); }, close: () => undefined }) as Partial<Etcd> as Etcd;
    memberOf({ connectEtcd }).begin();
    await untilTrue('it has joined', async () => await joins() === 1);
    await execute({ type: 'ObserveMembers', members: [member('n2')] });
    await seeAll();
    await untilTrue('it has joined again', async () => await joins() === 2);
  });

  test('leaves at a stop, and joins no more', async () => {
    await register();
    memberOf().begin();
    await untilTrue('it serves its node', async () => (await nodes()).includes('n1'));
    await membership.end();
    await seeAll();
    expect((await told()).at(-1)).toMatchObject({ type: 'AgentLeft', data: { node: 'n1', worker: 'w' } });
    expect(await nodes()).toEqual([]);
  });

  test('that never began leaves nothing behind', async () => {
    await register();
    await memberOf().end();
    expect(await joins()).toBe(0);
  });
});
