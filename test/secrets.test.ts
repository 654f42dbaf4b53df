// Secrets are planted wherever a person may give them; then everything that Snapkeep wrote and said is searched for them.
// The search covers the data directory and the local path byte by byte, the whole log at its most talkative, and every answer.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { attempt, completionOf, filesBelow, findSnapshot, history, listSnapshots, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Answer, type Snapkeep, type Variables, startSnapkeep } from './snapkeep-process.js';
import { createTlsCertificates } from './tls-certificates.js';

const token = `token-${randomBytes(18).toString('hex')}`;
const masterKey = randomBytes(32);
const password = `right-${randomBytes(12).toString('hex')}`;
const wrongPassword = `wrong-${randomBytes(12).toString('hex')}`;
const rejectedPassword = `rejected-${randomBytes(12).toString('hex')}`;

let folder: string;
let snapkeep: Snapkeep;
const answers: string[] = [];

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

/** Keeps what is answered to every call and subscription. */
function listened(heard: Snapkeep): Snapkeep {
  const keep = <T>(answer: T): T => {
    answers.push(JSON.stringify(answer));
    return answer;
  };
  return {
    ...heard,
    graphql: async <T>(query: string, variables?: Variables) => keep(await heard.graphql<T>(query, variables)),
    post: async <T>(query: string, variables?: Variables): Promise<Answer<T>> => keep(await heard.post<T>(query, variables)),
    async *subscribe<T>(query: string, variables?: Variables) {
      for await (const message of heard.subscribe<T>(query, variables)) yield keep(message);
    },
  };
}

const takeNow = async (clusterId: string) => completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId })).id);

/** The secret as it is, and as it would look in base64, in hex, or escaped in JSON. */
function forms(secret: string | Buffer): readonly Buffer[] {
  const bytes = Buffer.from(secret);
  const texts = [bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex'), JSON.stringify(bytes.toString()).slice(1, -1)];
  return [bytes, ...texts.map((text) => Buffer.from(text))];
}

async function haystacks(): Promise<readonly (readonly [string, Buffer])[]> {
  const entries = await readdir(join(snapkeep.dataDir, '..'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(files.map(async (file) => [file, await readFile(file)] as const));
  return [...read, ['the log', Buffer.from(snapkeep.log())], ['the answers', Buffer.from(answers.join('\n'))]];
}

/** What does not even fit the schema is refused by graphql-js, which likes to show what it was given. */
async function sendMalformed(): Promise<void> {
  const byVariable = 'mutation ($input: RegisterClusterInput!) { registerCluster(input: $input) { cluster { id } } }';
  const byLiteral = (value: string): string => `mutation { registerCluster(input: { id: "x", endpoints: [], password: ${value} }) { cluster { id } } }`;
  const literals = [`["${rejectedPassword}"]`, `"${rejectedPassword}" "${rejectedPassword}"`, `{ is: "${rejectedPassword}" }`].map(byLiteral);
  const inputs = [{ password: rejectedPassword, id: {} }, { password: [rejectedPassword], id: 'x', endpoints: [] }, rejectedPassword];
  for (const query of literals) await refused(query);
  for (const input of inputs) await refused(byVariable, { input });
}

/** Over HTTP and over WebSocket. */
async function refused(query: string, variables?: Variables): Promise<void> {
  expect(await snapkeep.post(query, variables)).toMatchObject({ errors: [expect.anything()] });
  const said = await snapkeep.subscribe(query, variables).next().then(() => null, (error: unknown) => error);
  expect(said).not.toBeNull();
  answers.push(`${String(said)} ${JSON.stringify(said)}`);
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
    await sendMalformed();

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

  const whileRunning = await haystacks();
  expect(await snapkeep.stop()).toBe(0);
  const hay = [...whileRunning, ...await haystacks()];
  expect(hay.length).toBeGreaterThan(6);
  expect(snapkeep.log()).toContain('secured');
  const found = Object.entries(secrets).flatMap(([name, secret]) =>
    hay.filter(([, bytes]) => forms(secret).some((form) => bytes.includes(form))).map(([where]) => `${name} in ${where}`));
  expect(found).toEqual([]);
  expect(await filesBelow(snapkeep.localPath)).toEqual([]);
});

test('the search finds a secret where there is one', async () => {
  answers.push(JSON.stringify({ message: `password ${password} was refused` }));
  const last = (await haystacks()).at(-1);
  expect(forms(password).some((form) => last?.[1].includes(form) === true)).toBe(true);
});
