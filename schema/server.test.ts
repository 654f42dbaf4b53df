import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Service, startService } from './service.fixture.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => { process.stderr.write(service.logged.join('\n')); return service.stop(); });

describe('queries over HTTP', () => {
  test('the target local always exists', async () => {
    const { data } = await service.ask('{ targets { id name kind ... on LocalTarget { path } } cursor clusters { totalCount nodes { id } } }');
    expect(data).toMatchObject({ targets: [{ id: 'local', kind: 'LOCAL', path: '/opt/rke/etcd-snapshots' }], clusters: { totalCount: 0, nodes: [] } });
  });

  test('a registered cluster is in the list with the default policy', async () => {
    const registered = await service.ask(`mutation { registerCluster(input: { id: "prod", endpoints: ["http://127.0.0.1:2379/"] }) {
      cluster { id name endpoints nextSnapshotAt policy { revision retentionCount targets { id } recurring { enabled intervalHours anchor nextSlots } } freshness { state } }
      cursor userErrors { code message path } } }`);
    expect(registered).toEqual({ data: { registerCluster: { userErrors: [], cursor: expect.any(String), cluster: expect.objectContaining({
      id: 'prod', name: 'prod', endpoints: ['http://127.0.0.1:2379'], freshness: { state: 'NEVER' },
    }) } } });
    const { data } = await service.ask('{ clusters { nodes { id } totalCount } cluster(id: "prod") { policy { retentionCount } } }');
    expect(data).toEqual({ clusters: { nodes: [{ id: 'prod' }], totalCount: 1 }, cluster: { policy: { retentionCount: 6 } } });
  });
});
