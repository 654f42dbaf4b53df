import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SnapkeepError } from '../../events/errors.js';
import { openSqliteEventStore } from '../../events/event-store.sqlite.js';
import type { EventStore } from '../../events/event-store.js';
import { untilTrue } from '../../test/eventual-fact.js';
import { destroyRetiredSecrets } from './retired-secrets.js';
import { append, failed, pruned, requested, retired, s3Created, taken } from './target-log.fixture.js';
import { openSqliteVault } from './vault.sqlite.js';
import type { Vault } from './vault.js';

let folder: string;
let store: EventStore;
let vault: Vault;
let complaints: string[];
let end: () => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapkeep-vault-'));
  store = openSqliteEventStore(':memory:');
  vault = openSqliteVault(join(folder, 'vault.db'), randomBytes(32));
  complaints = [];
  end = async () => undefined;
  for (const [targetId, secretRef] of [['old', 'ref-old'], ['kept', 'ref-kept']] as const) {
    await vault.put(secretRef, { accessKey: targetId, secretKey: 'x' });
    await append(store, `target-${targetId}`, s3Created(targetId, secretRef));
  }
  await append(store, 'cluster-a', requested('a.1', 'old', 'kept'), taken('a.1', ['old', 'kept']));
});

afterEach(async () => {
  await end();
  await vault.close();
  await store.close();
  await rm(folder, { recursive: true });
});

function start(): void {
  const ending = new AbortController();
  const log = { error: (details: object, message: string) => void complaints.push(`${message} ${JSON.stringify(details)}`) };
  const ended = destroyRetiredSecrets({ store, vault, log }, ending.signal);
  end = async () => {
    ending.abort();
    await ended;
  };
}
const untilKept = (...refs: string[]): Promise<void> =>
  untilTrue(`the vault keeps ${refs.join(', ')}`, async () => (await vault.refs()).join() === refs.join());

test('the secret goes with the last copy, while it runs', async () => {
  start();
  await append(store, 'target-old', retired);
  await append(store, 'cluster-a', pruned('a.1', 'old'));
  await untilKept('ref-kept');
});

test('what was due before the start is made up for, and a second start is no trouble', async () => {
  await append(store, 'target-old', retired);
  await append(store, 'cluster-a', pruned('a.1', 'old'));
  start();
  await untilKept('ref-kept');
  await end();
  start();
  await append(store, 'target-kept', retired);
  await append(store, 'cluster-a', pruned('a.1', 'kept'));
  await untilKept();
  expect(complaints).toEqual([]);
});

test('while the log is read from its start, what was open in between destroys nothing', async () => {
  await append(store, 'cluster-a', pruned('a.1', 'old'), requested('a.2', 'old'));
  await append(store, 'target-old', retired);
  await append(store, 'cluster-a', taken('a.2', ['old']));
  await append(store, 'target-kept', retired);
  await append(store, 'cluster-a', pruned('a.1', 'kept'));
  start();
  await untilKept('ref-old');
});

test('a vault that is busy is told of, without the secret, and asked again when the next run ends', async () => {
  const ready = vault;
  vault = { ...vault, destroy: async () => Promise.reject(new SnapkeepError('VAULT_BUSY', 'Vault: another process reads it')) };
  start();
  await append(store, 'target-old', retired);
  await append(store, 'cluster-a', pruned('a.1', 'old'));
  await untilTrue('the vault was asked', () => complaints.length === 1);
  expect(complaints[0]).toMatch(/could not be destroyed; it is tried again .*VAULT_BUSY/);
  expect(complaints[0]).not.toContain('secretKey');
  Object.assign(vault, { destroy: (ref: string) => ready.destroy(ref) });
  await append(store, 'cluster-a', requested('a.2', 'kept'), failed('a.2'));
  await untilKept('ref-kept');
});
