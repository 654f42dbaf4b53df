import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ClusterEvent } from '../../events/cluster-events.js';
import { openSqliteEventStore } from '../../events/event-store.sqlite.js';
import type { EventStore } from '../../events/event-store.js';
import { destroyOrphanedSecrets } from './orphaned-secrets.js';
import { append, localCreated, retired, s3Created, updated } from './target-log.fixture.js';
import { openSqliteVault } from './vault.sqlite.js';
import type { Vault } from './vault.js';

let folder: string;
let store: EventStore;
let vault: Vault;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapkeep-vault-'));
  store = openSqliteEventStore(':memory:');
  vault = openSqliteVault(join(folder, 'vault.db'), randomBytes(32));
});

afterEach(async () => {
  await vault.close();
  await store.close();
  await rm(folder, { recursive: true });
});

const connection = (secretRef: string) => ({ endpoints: ['http://127.0.0.1:1'], ca: null, clientCertificate: null, username: 'root', secretRef });
const registered = (clusterId: string, secretRef: string): ClusterEvent => ({
  type: 'ClusterRegistered', data: { clusterId, name: clusterId, legacy: true, connection: connection(secretRef) },
});

const given = (clusterId: string, ...events: ClusterEvent[]): Promise<void> => append(store, `cluster-${clusterId}`, ...events);

test('only what a registered cluster uses now stays', async () => {
  for (const ref of ['used', 'replaced', 'replacing', 'removed', 'orphan']) await vault.put(ref, { password: ref });
  await given('a', registered('a', 'used'));
  await given('b', registered('b', 'replaced'), { type: 'ClusterUpdated', data: { name: 'b', connection: connection('replacing') } });
  await given('c', registered('c', 'removed'), { type: 'ClusterRemoved', data: {} });
  expect(await destroyOrphanedSecrets(store, vault)).toBe(3);
  expect(await vault.refs()).toEqual(['used', 'replacing']);
});

test('what a target was given last stays, also when it is retired', async () => {
  for (const ref of ['first', 'replaced', 'replacing', 'taken-away', 'retired', 'orphan']) await vault.put(ref, { accessKey: ref, secretKey: 'x' });
  await append(store, 'target-a', s3Created('a', 'first'));
  await append(store, 'target-b', s3Created('b', 'replaced'), updated('replacing'));
  await append(store, 'target-c', s3Created('c', 'taken-away'), updated(null));
  await append(store, 'target-d', s3Created('d', 'retired'), retired);
  await append(store, 'target-e', localCreated('e'));
  expect(await destroyOrphanedSecrets(store, vault)).toBe(3);
  expect(await vault.refs()).toEqual(['first', 'replacing', 'retired']);
});

test('a vault without secrets needs no look at the log', async () => {
  await store.close();
  expect(await destroyOrphanedSecrets(store, vault)).toBe(0);
});
