// The service as the agent of an etcd node, by its variables alone: joined and shown, storing as its node, leaving at a stop but not at a crash.
// What several agents do together is in node-agents.test.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { completionOf, history, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

const clusterId = 'served';

let etcd: TestEtcd;
let snapkeep: Snapkeep;

beforeAll(async () => {
  etcd = await startEtcd();
  snapkeep = await startSnapkeep({ SNAPKEEP_NODE_CLUSTER: clusterId, SNAPKEEP_NODE_NAME: 'node-1', SNAPKEEP_NODE_ENDPOINT: etcd.endpoint });
});
afterAll(async () => {
  await Promise.all([snapkeep.dispose(), etcd.stop()]);
});

interface Shown {
  readonly cluster: { readonly nodes: readonly { readonly name: string; readonly agent: boolean }[] };
  readonly snapshots: { readonly nodes: readonly { readonly copies: readonly { readonly node: string | null; readonly nodeLeft: boolean; readonly location: string }[] }[] };
}
const shown = (): Promise<Shown> => snapkeep.graphql(
  'query ($id: ID!) { cluster(id: $id) { nodes { name agent } } snapshots(clusterId: $id) { nodes { copies { node nodeLeft location } } } }', { id: clusterId },
);
const membership = async (): Promise<readonly string[]> =>
  (await history(snapkeep, clusterId)).filter(({ type }) => type.startsWith('Agent')).map(({ type }) => type).reverse();

test('a service that is given a node joins once its cluster is registered, stores as that node, and is its agent until it stops', async () => {
  await registerEtcd(snapkeep, clusterId, etcd.connection);
  await untilTrue('it is the agent', async () => (await shown()).cluster.nodes.some(({ name, agent }) => name === 'node-1' && agent));
  const { outcome, snapshot } = await completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId })).id);
  expect(outcome).toBe('TAKEN');
  expect((await shown()).snapshots.nodes).toEqual([{ copies: [
    { node: 'node-1', nodeLeft: false, location: `${snapkeep.localPath}/${clusterId}/${snapshot.name}/node-1/1/snapshot.db` },
  ] }]);

  await snapkeep.kill9();
  await snapkeep.start();
  expect((await shown()).cluster.nodes).toEqual([{ name: 'node-1', agent: true }]);
  expect(await snapkeep.stop()).toBe(0);
  await snapkeep.start();
  await untilTrue('it has left and joined again', async () => (await membership()).join(' ') === 'AgentJoined AgentLeft AgentJoined');
});
