import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ReadStore } from '../projections/read-store.js';
import { begin, registered, requested, type Service, startService, subscriber, succeed } from './service.fixture.js';

let service: Service;
beforeEach(async () => {
  service = await startService();
});
afterEach(() => service.stop());

describe('queries', () => {
  test('the target local always exists', async () => {
    const { data } = await service.ask('{ targets { id name kind ... on LocalTarget { path } } clusters { totalCount nodes { id } } }');
    expect(data).toEqual({
      targets: [{ id: 'local', kind: 'LOCAL', name: expect.any(String), path: '/opt/rke/etcd-snapshots' }], clusters: { totalCount: 0, nodes: [] },
    });
  });

  test('a registered cluster is in the list with the default policy and its schedule', async () => {
    const { data } = await service.ask(`mutation { registerCluster(input: { id: "prod", endpoints: ["http://127.0.0.1:2379/"] }) { cluster {
      id name endpoints nextSnapshotAt freshness { state budgetSeconds }
      policy { revision retentionCount targets { id } recurring { enabled intervalHours nextSlots(count: 2) } } } userErrors { message } } }`);
    expect(data).toEqual({ registerCluster: { userErrors: [], cluster: {
      id: 'prod', name: 'prod', endpoints: ['http://127.0.0.1:2379'], nextSnapshotAt: '2026-11-24T00:00:00.000Z',
      freshness: { state: 'NEVER', budgetSeconds: 64_800 },
      policy: { revision: 1, retentionCount: 6, targets: [{ id: 'local' }], recurring: {
        enabled: true, intervalHours: 12, nextSlots: ['2026-11-24T00:00:00.000Z', '2026-11-24T12:00:00.000Z'],
      } },
    } } });
    expect((await service.ask('{ clusters { nodes { id } totalCount } }')).data).toEqual({ clusters: { nodes: [{ id: 'prod' }], totalCount: 1 } });
  });

  test('a removed cluster has no freshness to keep up', async () => {
    await registered(service, 'prod');
    const { data } = await service.ask('mutation { removeCluster(id: "prod") { cluster { freshness { state budgetSeconds } } } }');
    expect(data).toEqual({ removeCluster: { cluster: { freshness: { state: 'PAUSED', budgetSeconds: null } } } });
  });

  test('a page leads to the next by its cursor, newest first', async () => {
    await registered(service, 'prod');
    const ids = [(await requested(service, 'prod')).id, (await requested(service, 'prod')).id, (await requested(service, 'prod')).id];
    const page = async (after: string | null) => (await service.ask<{ snapshots: { nodes: { id: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } } }>(
      'query ($after: String) { snapshots(clusterId: "prod", first: 2, after: $after) { nodes { id } pageInfo { endCursor hasNextPage hasPreviousPage } totalCount } }', { after },
    )).data.snapshots;
    const first = await page(null);
    expect(first).toMatchObject({ nodes: [{ id: ids[2] }, { id: ids[1] }], pageInfo: { hasNextPage: true, hasPreviousPage: false }, totalCount: 3 });
    expect(await page(first.pageInfo.endCursor)).toMatchObject({ nodes: [{ id: ids[0] }], pageInfo: { hasNextPage: false, hasPreviousPage: true } });
  });

  test('the point in time, the dry run of retention and the history tell of a snapshot', async () => {
    await registered(service, 'prod');
    const { id } = await requested(service, 'prod');
    await begin(service, id);
    await succeed(service, id);
    await service.projector.waitFor(await service.store.head() ?? '', 5000);
    const { data } = await service.ask(`{ snapshotAt(clusterId: "prod", at: "2026-11-23T13:00:00+01:00") { id verification }
      before: snapshotAt(clusterId: "prod", at: "2026-11-23T11:59:59Z") { id }
      retentionPlan(clusterId: "prod", retentionCount: 1) { snapshot { id } target { id } keep }
      history(clusterId: "prod", first: 1) { nodes { type snapshotId data cursor } } }`);
    expect(data).toMatchObject({
      snapshotAt: { id, verification: 'STRUCTURE_OK' }, before: null,
      retentionPlan: [{ snapshot: { id }, target: { id: 'local' }, keep: true }],
      history: { nodes: [{ type: 'SnapshotTaken', snapshotId: id, data: { outcome: 'TAKEN' } }] },
    });
  });

  test.each([
    ['snapshots(clusterId: "prod", first: 0) { totalCount }', 'first'],
    ['snapshots(clusterId: "prod", first: 10001) { totalCount }', 'first'],
    ['snapshots(clusterId: "prod", after: "nonsense") { totalCount }', 'after'],
    [`snapshots(clusterId: "prod", after: "${Buffer.from('other:snapshots:1').toString('base64url')}") { totalCount }`, 'after'],
    ['snapshots(clusterId: "none") { totalCount }', 'clusterId'],
    ['history(clusterId: "prod", first: 0) { nodes { type } }', 'first'],
    ['clusters(first: 10001) { totalCount }', 'first'],
    ['retentionPlan(clusterId: "prod", retentionCount: 0) { keep }', 'retentionCount'],
  ])('%s is refused, naming the argument', async (query, argument) => {
    await registered(service, 'prod');
    const { errors } = await service.ask(`{ ${query} }`);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument } }]);
  });

  test('what is computed costs more than what is stored', async () => {
    await registered(service, 'prod');
    const limit = async (query: string) => (await service.ask(query)).errors?.[0]?.extensions['limit'];
    const plans = (times: number) => Array.from({ length: times }, (_, at) => `p${at}: retentionPlan(clusterId: "prod") { keep }`).join(' ');
    expect(await limit(`{ ${plans(100)} }`)).toBe('COST_LIMIT');
    expect(await limit('{ clusters(first: 10000) { nodes { a: freshness { state } b: freshness { state } } } }')).toBe('COST_LIMIT');
    expect(await limit('{ clusters(first: 10000) { nodes { freshness { state } } } }')).toBeUndefined();
    expect(await limit('{ clusters(first: 250) { nodes { policy { recurring { nextSlots(count: 100) } } } } }')).toBe('COST_LIMIT');
    expect(await limit('{ clusters(first: 150) { nodes { policy { recurring { nextSlots(count: 100) } } } } }')).toBeUndefined();
    expect(await limit('{ clusters(first: 5000) { nodes { policy { recurring { nextSlots } } } } }')).toBe('COST_LIMIT');
  });

  test.each([0, 101])('%d slots are refused, naming the argument', async (count) => {
    await registered(service, 'prod');
    const { errors } = await service.ask(`{ cluster(id: "prod") { policy { recurring { nextSlots(count: ${count}) } } } }`);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'count' } }]);
  });

  test('a query that is too deep or too costly is refused, introspection is not', async () => {
    const deep = `{ clusters { nodes ${'{ snapshots { nodes { cluster '.repeat(5)} { id } ${'} } }'.repeat(5)} } }`;
    expect((await service.ask(deep)).errors).toMatchObject([{ message: expect.stringMatching(/levels deep/), extensions: { limit: 'DEPTH_LIMIT' } }]);
    const costly = '{ clusters(first: 10000) { nodes { snapshots(first: 10000) { nodes { id } } } } }';
    expect((await service.ask(costly)).errors).toMatchObject([{ message: expect.stringMatching(/may return/), extensions: { limit: 'COST_LIMIT' } }]);
    expect((await service.ask('{ __schema { types { fields { type { ofType { ofType { ofType { name } } } } } } } }')).errors).toBeUndefined();
  });
});

test('a page of 50 snapshots with clusters and targets is a handful of reads', async () => {
  await service.stop();
  const calls: string[] = [];
  const counting = (readStore: ReadStore): ReadStore => new Proxy(readStore, {
    get(store, name) {
      calls.push(String(name));
      const member: unknown = Reflect.get(store, name);
      return member;
    },
  });
  service = await startService({ wrapReads: counting });
  await registered(service, 'prod');
  for (let taken = 0; taken < 50; taken += 1) {
    const { id } = await requested(service, 'prod');
    await begin(service, id);
    await succeed(service, id);
  }
  await service.projector.waitFor(await service.store.head() ?? '', 5000);
  calls.length = 0;
  const { data } = await service.ask<{ snapshots: { nodes: object[] } }>(
    '{ snapshots(clusterId: "prod") { nodes { id cluster { id freshness { state } policy { targets { id } } } copies { target { id } } } totalCount } }',
  );
  expect(data.snapshots.nodes).toHaveLength(50);
  expect(calls.sort()).toEqual(['clustersByIds', 'countSnapshots', 'lastVerifiedAt', 'snapshots', 'targetsByIds']);
});

test('while the read store is behind, mutations answer from the ledger and say so', async () => {
  await service.stop();
  service = await startService({ isProjecting: false, config: { readWaitMs: 1 } });
  const register = 'mutation { registerCluster(input: { id: "prod", endpoints: ["http://127.0.0.1:2379"] }) { cluster { id policy { targets { id } } } userErrors { message } } }';
  expect(await service.ask(register)).toEqual({
    data: { registerCluster: { cluster: { id: 'prod', policy: { targets: [{ id: 'local' }] } }, userErrors: [] } }, extensions: { readStore: 'BEHIND' },
  });
  const { data } = await service.ask('mutation { snapshotNow(input: { clusterId: "prod" }) { snapshot { state cluster { id } } } }');
  expect(data).toEqual({ snapshotNow: { snapshot: { state: 'REQUESTED', cluster: { id: 'prod' } } } });
  const client = subscriber(service.url);
  const target = await client.iterate({ query: 'mutation { createLocalTarget(input: { id: "disk", path: "/disk" }) { target { id } } }' }).next();
  expect(target.value).toEqual({ data: { createLocalTarget: { target: { id: 'disk' } } }, extensions: { readStore: 'BEHIND' } });
  await client.dispose();
});

test('while the read store is behind, no target is deleted, since a cluster may use it unseen', async () => {
  await service.stop();
  service = await startService({ isProjecting: false, config: { readWaitMs: 1 } });
  await service.ask('mutation { createLocalTarget(input: { id: "disk", path: "/disk" }) { target { id } } }');
  await service.ask(`mutation { registerCluster(input: { id: "prod", endpoints: ["http://127.0.0.1:2379"], policy: { targetIds: ["disk"] } }) {
    userErrors { message } } }`);
  const { data } = await service.ask('mutation { deleteTarget(id: "disk") { target { id } userErrors { code message path } } }');
  expect(data).toEqual({
    deleteTarget: { target: null, userErrors: [{ code: 'UNREACHABLE', message: expect.stringMatching(/behind the log.*try again/), path: null }] },
  });
});

test('while the read store is behind, the dry run of retention answers from the ledger', async () => {
  await service.stop();
  service = await startService({ isProjecting: false, config: { readWaitMs: 1 } });
  await registered(service, 'prod');
  const { id } = await requested(service, 'prod');
  await begin(service, id);
  await succeed(service, id);
  expect(await service.ask('{ retentionPlan(clusterId: "prod") { snapshot { id state cluster { id } copies { target { id } } } target { id } keep } }')).toEqual({
    data: { retentionPlan: [{
      snapshot: { id, state: 'TAKEN', cluster: { id: 'prod' }, copies: [{ target: { id: 'local' } }] }, target: { id: 'local' }, keep: true,
    }] },
    extensions: { readStore: 'BEHIND' },
  });
});

test('health answers 503 with its parts while not ready', async () => {
  await service.stop();
  service = await startService({ dependencies: { health: () => ({ live: true, ready: false, parts: { projector: 'behind' } }) } });
  const [live, ready] = await Promise.all(['live', 'ready'].map((path) => fetch(new URL(`/health/${path}`, service.url))));
  expect(live?.status).toBe(200);
  expect(ready?.status).toBe(503);
  expect(await ready?.json()).toMatchObject({ parts: { projector: 'behind' } });
});

test('a browser is given the query page, which loads nothing from elsewhere', async () => {
  for (const path of ['/', '/graphql']) {
    const page = await fetch(new URL(path, service.url), { headers: { accept: 'text/html' } });
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    const text = await page.text();
    const sources = [...text.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, source]) => source ?? '');
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) {
      expect(source).not.toMatch(/^(https?:)?\/\//);
      expect((await fetch(new URL(source, new URL('/query-page/', service.url)))).status).toBe(200);
    }
  }
});
