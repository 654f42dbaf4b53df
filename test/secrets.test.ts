// Secrets are planted wherever a person may give them; then everything that Snapkeep wrote and said is searched for them.
// The log is at its most talkative. The secrets of S3 targets are planted in s3-secrets.test.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { type ListenedSnapkeep, findings, haystacks, listened, sendMalformed } from './secret-search.js';
import { attempt, completionOf, filesBelow, findSnapshot, history, listSnapshots, mutate, registerEtcd } from './snapkeep-calls.js';
import { startSnapkeep } from './snapkeep-process.js';
import { createTlsCertificates } from './tls-certificates.js';

const token = `token-${randomBytes(18).toString('hex')}`;
const masterKey = randomBytes(32);
const password = `right-${randomBytes(12).toString('hex')}`;
const wrongPassword = `wrong-${randomBytes(12).toString('hex')}`;
const rejectedPassword = `rejected-${randomBytes(12).toString('hex')}`;

let folder: string;
let snapkeep: ListenedSnapkeep;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapkeep-secrets-'));
  snapkeep = listened(await startSnapkeep({
    SNAPKEEP_TOKEN: token, SNAPKEEP_MASTER_KEY: masterKey.toString('base64'), SNAPKEEP_LOG_LEVEL: 'trace', SNAPKEEP_RETRY_SECONDS: '0.2',
  }));
});
afterAll(async () => {
  await snapkeep.dispose();
  await rm(folder, { recursive: true, force: true });
});

const takeNow = async (clusterId: string) => completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId })).id);

async function sendAllMalformed(): Promise<void> {
  const byVariable = 'mutation ($input: RegisterClusterInput!) { registerCluster(input: $input) { cluster { id } } }';
  const byLiteral = (value: string): string => `mutation { registerCluster(input: { id: "x", endpoints: [], password: ${value} }) { cluster { id } } }`;
  const literals = [`["${rejectedPassword}"]`, `"${rejectedPassword}" "${rejectedPassword}"`, `{ is: "${rejectedPassword}" }`].map(byLiteral);
  const inputs = [{ password: rejectedPassword, id: {} }, { password: [rejectedPassword], id: 'x', endpoints: [] }, rejectedPassword];
  for (const query of literals) await sendMalformed(snapkeep, query);
  for (const input of inputs) await sendMalformed(snapkeep, byVariable, { input });
}

test('no planted secret is found in any file, log line or answer of a full run with failures', async () => {
  const tls = createTlsCertificates(folder);
  const etcd = await startEtcd({ tls });
  const secrets = { token, masterKey, password, wrongPassword, rejectedPassword, clientKey: tls.clientKey, keyBody: tls.clientKey.split('\n')[1] ?? '' };
  try {
    await etcd.ctl('user', 'add', `root:${password}`);
    await etcd.ctl('user', 'grant-role', 'root', 'root');
    await etcd.ctl('auth', 'enable');
    await registerEtcd(snapkeep, 'secured', { ...etcd.connection, username: 'root', password: wrongPassword });
    expect(await takeNow('secured')).toMatchObject({ outcome: 'FAILED' });
    await mutate(snapkeep, 'updateCluster', { id: 'secured', username: 'root', password });
    expect(await takeNow('secured')).toMatchObject({ outcome: 'TAKEN' });

    const again = { id: 'secured', endpoints: [etcd.endpoint], username: 'root', password: rejectedPassword };
    expect((await attempt(snapkeep, 'registerCluster', again)).userErrors).toMatchObject([{ code: 'ALREADY_EXISTS' }]);
    const malformed = { ...again, id: 'Not A Slug', endpoints: [`https://root:${rejectedPassword}@127.0.0.1`] };
    expect((await attempt(snapkeep, 'registerCluster', malformed)).userErrors).not.toEqual([]);
    await sendAllMalformed();

    await etcd.members[0]?.kill();
    expect(await takeNow('secured')).toMatchObject({ outcome: 'FAILED' });
    const [, taken] = await listSnapshots(snapkeep, 'secured');
    await mutate(snapkeep, 'deleteSnapshot', taken?.id ?? '');
    await untilTrue('the snapshot is deleted', async () => (await findSnapshot(snapkeep, taken?.id ?? '')).state === 'PRUNED');
    await history(snapkeep, 'secured');
    await mutate(snapkeep, 'removeCluster', 'secured');
  } finally {
    await etcd.stop();
  }

  const whileRunning = await haystacks(snapkeep);
  expect(await snapkeep.stop()).toBe(0);
  const hay = [...whileRunning, ...await haystacks(snapkeep)];
  expect(hay.length).toBeGreaterThan(6);
  expect(snapkeep.log()).toContain('secured');
  expect(findings(secrets, hay)).toEqual([]);
  expect(await filesBelow(snapkeep.localPath)).toEqual([]);
});

test('the search finds a secret where there is one', async () => {
  snapkeep.answers.push(JSON.stringify({ message: `password ${password} was refused` }));
  expect(findings({ password }, await haystacks(snapkeep))).toEqual(['password in the answers']);
});
