// Agents as processes on the nodes of a real etcd, each with a disk of its own: one is killed in the midst of its part and comes back, and each
// tests targets for itself. Agents that never come back, and members that are replaced, are in node-agents.test.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { type ConnectionFault, type FaultProxy, startFaultProxy } from './fault-proxy.js';
import { ofType } from './kill-evidence.js';
import { type BreakableStores, breakableSuite } from './production-stores.js';
import { testTarget } from './s3-target-calls.js';
import { completionOf, filesBelow, findSnapshot, history, mutate, registerEtcd, sha256Of } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

const clusterId = 'nodes';

await breakableSuite('Agents in processes of their own', (openStores) => {
  let stores: BreakableStores;
  let etcd: TestEtcd;
  let wayToFirst: FaultProxy<ConnectionFault>;
  let api: Snapkeep;
  let agents: Snapkeep[] = [];

  beforeAll(async () => {
    [stores, etcd] = await Promise.all([openStores(), startEtcd({ members: 3 })]);
    await putKeys(etcd.connection, { count: 5_000 });
    const [first = '', ...others] = etcd.members.map(({ endpoint }) => endpoint);
    wayToFirst = await startFaultProxy(first);
    api = await startSnapkeep({ ...stores.env, SNAPKEEP_ROLES: 'api,projector' });
    await registerEtcd(api, clusterId, etcd.connection);
    const endpoints = [wayToFirst.endpoint, ...others];
    agents = await Promise.all(etcd.members.map(({ name }, at) => startSnapkeep({
      ...stores.env, SNAPKEEP_ROLES: 'worker', SNAPKEEP_IDLE_TIMEOUT_SECONDS: '60',
      SNAPKEEP_NODE_CLUSTER: clusterId, SNAPKEEP_NODE_NAME: name, SNAPKEEP_NODE_ENDPOINT: endpoints[at] ?? '',
    })));
  }, 120_000);
  afterAll(async () => {
    await Promise.all([api, ...agents].map((one) => one.dispose()));
    await wayToFirst.close();
    await Promise.all([stores.dispose(), etcd.stop()]);
  });

  const told = (type: string) => history(api, clusterId).then((entries) => ofType(entries, type));

  test('one that is killed costs the others nothing, and makes its own copy in another attempt once it is back', async () => {
    await untilTrue('all agents serve their node', async () => (await told('AgentJoined')).length === 3);
    wayToFirst.setFault({ kind: 'stall', afterBytes: 500_000 });
    const struck = wayToFirst.nextStrike();
    const { id } = await mutate(api, 'snapshotNow', { clusterId });
    await struck;
    await agents[0]?.kill9();
    await untilTrue('the others have ended their parts', async () => (await told('SnapshotPartTaken')).length === 2);
    expect(await findSnapshot(api, id)).toMatchObject({ state: 'RUNNING' });

    wayToFirst.setFault(null);
    await agents[0]?.start();
    expect(await completionOf(api, id)).toMatchObject({ outcome: 'TAKEN' });
    const { copies } = await findSnapshot(api, id);
    expect(copies.map(({ state }) => state)).toEqual(['STORED', 'STORED', 'STORED']);
    for (const { location, storedSha256 } of copies) expect(await sha256Of(location ?? '')).toBe(storedSha256);
    for (const { localPath } of agents) {
      const attempt = localPath === agents[0]?.localPath ? 2 : 1;
      await untilTrue('what was cut off is swept', async () => (await filesBelow(localPath)).filter((file) => !file.startsWith('.')).length === 2);
      expect(await filesBelow(localPath)).toContainEqual(expect.stringMatching(new RegExp(`^${clusterId}/.*/${attempt}/snapshot\\.db$`)));
    }
  });

  test('each tests a target for itself, also beside a node of the same name in another cluster', async () => {
    await registerEtcd(api, 'twin', etcd.connection);
    const [member] = etcd.members;
    agents.push(await startSnapkeep({
      ...stores.env, SNAPKEEP_ROLES: 'worker',
      SNAPKEEP_NODE_CLUSTER: 'twin', SNAPKEEP_NODE_NAME: member?.name ?? '', SNAPKEEP_NODE_ENDPOINT: member?.endpoint ?? '',
    }));
    await untilTrue('all of them answer', async () => {
      const { checks } = await testTarget(api, 'local');
      return [...new Set(checks.map(({ ranOn }) => ranOn))].sort().join(' ') === 'nodes/node-1 nodes/node-2 nodes/node-3 twin/node-1';
    });
  });
});
