// The process from its start to its end: what it does with a log that it cannot read, and when it is stopped early.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sqliteVaultFingerprint } from '../services/vault/keyed-vault.sqlite.js';
import { loadMasterKey } from '../services/vault/master-key.js';
import { openSqliteVault } from '../services/vault/vault.sqlite.js';
import { untilTrue } from './eventual-fact.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

let snapkeep: Snapkeep;
beforeEach(async () => {
  snapkeep = await startSnapkeep();
});
afterEach(() => snapkeep.dispose());

async function putSecret({ dataDir }: Snapkeep): Promise<void> {
  const file = join(dataDir, 'vault.db');
  const vault = openSqliteVault(file, loadMasterKey({ dataDir }, sqliteVaultFingerprint(file)));
  await vault.put('secret-a', { password: 'x' });
  await vault.close();
}

function putEventOfNewerVersion({ dataDir }: Snapkeep): void {
  const db = new DatabaseSync(join(dataDir, 'events.db'));
  db.exec(`INSERT INTO events (stream, revision, id, type, version, data, time, actor, correlation_id, causation_id)
    VALUES ('cluster-a', 0, 'e', 'ClusterRemoved', 99, '{}', '2026-01-01T00:00:00.000Z', 'x', 'x', 'x')`);
  db.close();
}

test('events of a newer version do not end it: it is live, not ready, says why, and keeps the secrets', async () => {
  expect(await snapkeep.stop()).toBe(0);
  await putSecret(snapkeep);
  putEventOfNewerVersion(snapkeep);
  const before = snapkeep.log().length;
  await snapkeep.start({ ready: false });
  const address = (): string | undefined => /ready (http:\/\/[^\s"]+\/graphql)/.exec(snapkeep.log().slice(before))?.[1];
  await untilTrue('it serves', async () => address() !== undefined);
  const health = async (kind: string): Promise<Response> => fetch(new URL(`/health/${kind}`, address()));
  await untilTrue('every role has stopped', async () => (await (await health('ready')).text()).match(/stopped: /g)?.length === 3);
  expect([(await health('live')).status, (await health('ready')).status]).toEqual([200, 503]);
  expect(snapkeep.log()).toContain('the projector stopped');
  expect(snapkeep.log()).not.toContain('destroyed secrets');
  expect(await snapkeep.stop()).toBe(0);
});

test('told to stop before it is ready, it closes what it has opened and ends well', async () => {
  expect(await snapkeep.stop()).toBe(0);
  const before = snapkeep.log().length;
  await snapkeep.start({ ready: false });
  await untilTrue('it is starting', async () => snapkeep.log().length > before);
  expect(await snapkeep.stop()).toBe(0);
  expect(snapkeep.log().slice(before)).toMatch(/stopped/);
  expect(existsSync(join(snapkeep.dataDir, 'events.db-wal'))).toBe(false);
});
