import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { untilTrue } from '../test/eventual-fact.js';
import type { ClusterCommand } from '../services/ledger/cluster-commands.js';
import { type Service, noon, registered, requested, startService } from './service.fixture.js';

let service: Service;

beforeEach(async () => {
  service = await startService();
});
afterEach(() => service.stop());

const execute = async (command: ClusterCommand): Promise<void> => {
  const executed = await service.commands.executeCluster('prod', command, { actor: 'test', correlationId: 'test', causationId: 'test' });
  if (executed.outcome === 'rejected') throw new Error(executed.rejection.rejected.message);
};
const observe = (...names: string[]): Promise<void> =>
  execute({ type: 'ObserveMembers', members: names.map((name) => ({ memberId: name, name, clientUrls: [], learner: false })) });

interface Shown {
  readonly cluster: { readonly nodes: readonly { readonly name: string; readonly agent: boolean }[] };
  readonly snapshot: { readonly copies: readonly { readonly node: string | null; readonly state: string; readonly nodeLeft: boolean }[] };
}

test('a copy is shown on its node, and once the member is gone as on a node that left; who has an agent is shown of each node', async () => {
  await registered(service, 'prod');
  await observe('n1', 'n2');
  for (const node of ['n1', 'n2']) await execute({ type: 'JoinAgent', node, worker: node, endpoint: 'http://x' });
  const { id } = await requested(service, 'prod');
  const facts = { takenAt: noon, revision: 7, keyCount: 3, dbSize: 1024, sha256: 'ab', etcdVersion: '3.5.9', member: 'm1', durationMs: 10 };
  for (const node of ['n1', 'n2']) {
    await execute({ type: 'StartAttempt', snapshotId: id, part: node, worker: node, leaseMs: 30_000, takeOver: null });
    await execute({ type: 'RecordPartTaken', snapshotId: id, part: node, attempt: 1, facts, failedCopies: [], copies: [{
      targetId: 'local', node, storedOn: node, keys: [], location: `/${node}`, encoding: [], storedSize: 1, storedSha256: 'cd', storedAt: noon,
      verification: 'STRUCTURE_OK',
    }] });
  }
  const shown = async (): Promise<Shown> => {
    const head = await service.store.head();
    await untilTrue('the read store shows it', async () => await service.readStore.checkpoint() === head);
    return (await service.ask<Shown>(`{ cluster(id: "prod") { nodes { name agent } } snapshot(id: "${id}") { copies { node state nodeLeft } } }`)).data;
  };
  expect(await shown()).toEqual({
    cluster: { nodes: [{ name: 'n1', agent: true }, { name: 'n2', agent: true }] },
    snapshot: { copies: [{ node: 'n1', state: 'STORED', nodeLeft: false }, { node: 'n2', state: 'STORED', nodeLeft: false }] },
  });
  await observe('n1', 'n3');
  expect(await shown()).toEqual({
    cluster: { nodes: [{ name: 'n1', agent: true }, { name: 'n3', agent: false }] },
    snapshot: { copies: [{ node: 'n1', state: 'STORED', nodeLeft: false }, { node: 'n2', state: 'STORED', nodeLeft: true }] },
  });
});
