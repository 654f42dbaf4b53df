// The real command log copy: killed again and again it ends with the whole log and every secret, what it may not touch it refuses, and Snapkeep
// goes on with the copy in other stores. Copying itself is tested beside events/log-copy.ts and services/vault/vault-copy.ts.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinned } from '../events/event-samples.contract.js';
import { openEventStoreDb } from '../events/event-store.eventstoredb.js';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import type { EventStore } from '../events/event-store.js';
import { comparedLogs } from '../events/log-copy.js';
import { openSqliteVault } from '../services/vault/vault.sqlite.js';
import { startEtcd } from './etcd-process.js';
import { mongoSuite } from './mongo-server.js';
import type { TestDatabase } from './mongo-server.js';
import { seededRandom } from './seeded-random.js';
import { type EventStoreDbStandIn, startEventStoreDbStandIn } from './services/eventstoredb/eventstoredb-server.js';
import { completionOf, cursorNow, listSnapshots, mutate, registerEtcd } from './snapkeep-calls.js';
import { startSnapkeep } from './snapkeep-process.js';
import { createTlsCertificates } from './tls-certificates.js';

const cli = new URL('../dist/cli.js', import.meta.url).pathname;
const key = randomBytes(32);
const keyed = { SNAPKEEP_MASTER_KEY: key.toString('base64') };

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

let folder: string;
let source: string;
let target: string;
let server: EventStoreDbStandIn;
let url: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'snapkeep-log-copy-'));
  [source, target] = [join(folder, 'source'), join(folder, 'target')];
  mkdirSync(source);
  server = await startEventStoreDbStandIn();
  url = `esdb://${server.address}?tls=false`;
});
afterEach(async () => {
  await server.kill();
  rmSync(folder, { recursive: true });
});

const logIn = (dataDir: string): EventStore => openSqliteEventStore(join(dataDir, 'events.db'));

function startCommand(args: readonly string[], env: Readonly<Record<string, string>> = keyed) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SNAPKEEP_') && name !== 'NODE_OPTIONS');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, 'log', 'copy', ...args], {
    env: { ...Object.fromEntries(inherited), ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => output.push(bytes.toString()));
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, output: output.join('') }));
  return { child, ended };
}
const copy = (...args: readonly string[]): Promise<Ended> => startCommand(args).ended;

/** Two streams that take turns, so that each event is an append of its own, and four secrets. */
async function plant(events: number): Promise<void> {
  const store = logIn(source);
  await Promise.all(Array.from({ length: events }, (_, n) => {
    const revision = Math.floor(n / 2) - 1;
    return store.append(n % 2 === 0 ? 'cluster-a' : 'cluster-b', revision === -1 ? 'none' : revision, [pinned(`s${n}`)]);
  }));
  await store.close();
  const vault = openSqliteVault(join(source, 'vault.db'), key);
  for (let n = 0; n < 4; n += 1) await vault.put(`secret-${n}`, { password: `planted-${n}` });
  await vault.close();
}

async function secretsIn(dataDir: string): Promise<unknown[]> {
  const vault = openSqliteVault(join(dataDir, 'vault.db'), key);
  const secrets = await Promise.all((await vault.refs()).map((ref) => vault.get(ref)));
  await vault.close();
  return secrets;
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}

/** Kills it each time `size` has grown by a random amount up to `step`, until it comes to its end by itself; gives how often. */
async function killedUntilDone(args: readonly string[], size: () => number, step: number): Promise<number> {
  const random = seededRandom(11);
  for (let kills = 0; kills < 60; kills += 1) {
    const { child, ended } = startCommand(args);
    let running = true;
    void ended.then(() => { running = false; });
    const begun = size();
    const grown = random.next() * step;
    while (running && size() - begun <= grown) await nextTurn();
    child.kill('SIGKILL');
    const { code, output } = await ended;
    if (code === 0) return kills;
    expect(output).toBe('');
  }
  throw new Error('it never came to its end');
}

test('killed at many instants on its way into EventStoreDB, it copies everything once, in order', async () => {
  await plant(300);
  const args = ['--from', source, '--to', url, '--to-vault', target];
  expect(await killedUntilDone(args, () => server.log.records.length, 60)).toBeGreaterThan(5);
  const [from, to] = [logIn(source), await openEventStoreDb(url)];
  expect(await comparedLogs(from, to)).toMatchObject({ events: 300 });
  await Promise.all([from.close(), to.close()]);
  expect(await secretsIn(target)).toEqual(await secretsIn(source));
});

test('killed at many instants on its way into another data directory, it copies everything once, in order', async () => {
  await plant(300);
  const written = (): number => ['events.db-wal', 'vault.db', 'vault.db-wal']
    .reduce((sum, name) => sum + (statSync(join(target, name), { throwIfNoEntry: false })?.size ?? 0), 0);
  expect(await killedUntilDone(['--from', source, '--to', target], written, 700_000)).toBeGreaterThan(2);
  const [from, to] = [logIn(source), logIn(target)];
  expect(await comparedLogs(from, to)).toMatchObject({ events: 300 });
  await Promise.all([from.close(), to.close()]);
  expect(await secretsIn(target)).toEqual(await secretsIn(source));
});

test('says count, hash and what to set, again where all of it is copied already, and no secret', async () => {
  await plant(10);
  writeFileSync(join(source, 'node-id'), 'node-abc\n');
  for (let time = 0; time < 2; time += 1) {
    const { code, output } = await copy('--from', source, '--to', url, '--to-vault', target);
    expect([code, output]).toEqual([0, expect.stringMatching(/^10 events copied and compared, SHA-256 [0-9a-f]{64}\. 4 secret\(s\) copied/)]);
    for (const said of ['SNAPKEEP_EVENT_STORE', 'SNAPKEEP_READ_STORE', 'node-abc', 'cursors', 'nothing may run on the source']) expect(output).toContain(said);
    expect(output).not.toMatch(/planted|esdb:\/\//);
  }
});

test('goes back from EventStoreDB into a data directory', async () => {
  await plant(10);
  const home = join(folder, 'home');
  expect(await copy('--from', source, '--to', url, '--to-vault', home)).toMatchObject({ code: 0 });
  expect(await copy('--from', url, '--from-vault', home, '--to', target)).toMatchObject({ code: 0, output: expect.stringContaining(`SNAPKEEP_DATA_DIR=${target}`) });
  const [from, to] = [logIn(source), logIn(target)];
  expect(await comparedLogs(from, to)).toMatchObject({ events: 10 });
  await Promise.all([from.close(), to.close()]);
  expect(await secretsIn(target)).toEqual(await secretsIn(source));
});

test('without a configured key each data directory has its own, and the secrets are the same', async () => {
  const own = randomBytes(32);
  writeFileSync(join(source, 'master.key'), own.toString('base64'), { mode: 0o600 });
  await logIn(source).close();
  const vault = openSqliteVault(join(source, 'vault.db'), own);
  await vault.put('secret-a', { password: 'planted' });
  await vault.close();
  expect(await startCommand(['--from', source, '--to', target], {}).ended).toMatchObject({ code: 0 });
  expect(existsSync(join(target, 'master.key'))).toBe(true);
  // With one it is the new vault's alone: the source stays under its own.
  const other = join(folder, 'other');
  expect(await copy('--from', source, '--to', other)).toMatchObject({ code: 0 });
  expect(await secretsIn(other)).toEqual([{ password: 'planted' }]);
});

describe('refuses, with the remedy and nothing written,', () => {
  beforeEach(() => plant(3));

  test.each<[string, () => readonly string[], RegExp]>([
    ['no target', () => ['--from', source], /usage: snapkeep log copy --from/],
    ['an unknown option', () => ['--from', source, '--to', target, '--force'], /usage: snapkeep log copy --from/],
    ['a source that is none', () => ['--from', folder, '--to', target], /is no data directory of Snapkeep; correct --from/],
    ['the same store twice', () => ['--from', source, '--to', `${source}/`], /the same store/],
    ['a directory that holds other files', () => ['--from', source, '--to', folder], /holds other files/],
    ['another kind of store', () => ['--from', source, '--to', 'postgres://u:planted-x@h/d'], /postgres:\/\/… is no store of this kind/],
    ['EventStoreDB without a login', () => ['--from', source, '--to', 'esdb://host:2113'], /^--to names no user: write esdb:\/\//],
    ['no place for the vault', () => ['--from', source, '--to', url], /give --to-vault, or set SNAPKEEP_VAULT or SNAPKEEP_READ_STORE/],
  ])('%s', async (_, args, message) => {
    const { code, output } = await copy(...args());
    expect([code, output]).toEqual([1, expect.stringMatching(message)]);
    expect(output).not.toContain('planted');
    expect(server.log.records).toHaveLength(1);
    expect(existsSync(join(target, 'events.db'))).toBe(false);
  });

  test('a source on which Snapkeep runs', async () => {
    const running = logIn(source);
    const { code, output } = await copy('--from', source, '--to', target);
    await running.close();
    expect([code, output]).toEqual([1, expect.stringContaining('stop that one first')]);
  });

  test('a target with a log or a vault of somebody else', async () => {
    mkdirSync(target);
    const other = logIn(target);
    await other.append('cluster-z', 'none', [pinned('z')]);
    await other.close();
    expect(await copy('--from', source, '--to', target)).toMatchObject({ code: 1, output: expect.stringContaining('name an empty target') });
    expect(existsSync(join(target, 'vault.db'))).toBe(false);

    const vault = openSqliteVault(join(target, 'vault.db'), key);
    await vault.put('secret-z', { password: 'planted-z' });
    await vault.close();
    const refused = await copy('--from', source, '--to', url, '--to-vault', target);
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('holds 1 secret(s)') });
    expect(server.log.records.filter(({ stream }) => stream.startsWith('cluster-'))).toEqual([]);
  });
});

await mongoSuite('Snapkeep after log copy', (open) => {
  let database: TestDatabase;
  beforeEach(() => {
    database = open();
  });
  afterEach(() => database.dispose());

  test('goes on with the copy: the same list, the same secrets, the next snapshot; cursors of before are refused by name', async () => {
    const etcd = await startEtcd({ tls: createTlsCertificates(folder) });
    const embedded = await startSnapkeep();
    try {
      await registerEtcd(embedded, 'moved', etcd.connection);
      await completionOf(embedded, (await mutate(embedded, 'snapshotNow', { clusterId: 'moved' })).id);
      const listed = await listSnapshots(embedded, 'moved');
      const cursor = await cursorNow(embedded);
      await embedded.stop();

      expect(await copy('--from', embedded.dataDir, '--to', url, '--to-vault', database.url)).toMatchObject({ code: 0 });
      const moved = await startSnapkeep({
        ...keyed, SNAPKEEP_EVENT_STORE: url, SNAPKEEP_READ_STORE: database.url, SNAPKEEP_DATA_DIR: embedded.dataDir, SNAPKEEP_LOCAL_PATH: embedded.localPath,
      });
      try {
        expect(await listSnapshots(moved, 'moved')).toEqual(listed);
        const { outcome } = await completionOf(moved, (await mutate(moved, 'snapshotNow', { clusterId: 'moved' })).id);
        expect(outcome).toBe('TAKEN');
        const { errors } = await moved.post('query ($after: String) { history(clusterId: "moved", after: $after) { nodes { type } } }', { after: cursor });
        expect(errors?.[0]?.message).toContain('another event store');
      } finally {
        await moved.stop();
        await moved.dispose();
      }
    } finally {
      await embedded.dispose();
      await etcd.stop();
    }
  });
});
