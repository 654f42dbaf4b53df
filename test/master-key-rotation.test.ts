// The real command rotate-master-key, killed at every step and at random instants: what it leaves opens, goes on, and keeps no trace of the old key.
// What a rotation does to the vault's rows is tested beside the adapter.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import { sqliteVaultFingerprint } from '../services/vault/keyed-vault.sqlite.js';
import { loadMasterKey } from '../services/vault/master-key.js';
import type { Secret } from '../services/vault/vault.js';
import { openSqliteVault } from '../services/vault/vault.sqlite.js';
import { seededRandom } from './seeded-random.js';

const path = (name: string): string => new URL(name, import.meta.url).pathname;
const pathsOf = (folder: string): string[] => readdirSync(folder).sort();

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

let folder: string;
let dataDir: string;
let secrets: ReadonlyMap<string, Secret>;
/** What the old key encrypted, and all that must never be found in clear. */
let planted: readonly Buffer[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'snapkeep-rotation-'));
  dataDir = join(folder, 'data');
  mkdirSync(dataDir);
  await openSqliteEventStore(join(dataDir, 'events.db')).close();
});
afterEach(() => rmSync(folder, { recursive: true }));

async function plant(key: Buffer, count: number): Promise<void> {
  const values = Array.from({ length: count }, (_, at): [string, Secret] => [`secret-${at}`, { accessKey: `planted-key-${at}`, secretKey: randomBytes(at === 1 ? 9_000 : 300).toString('hex') }]);
  secrets = new Map(values);
  const vault = openSqliteVault(join(dataDir, 'vault.db'), key);
  for (const [ref, secret] of secrets) await vault.put(ref, secret);
  await vault.close();
  const db = new DatabaseSync(join(dataDir, 'vault.db'));
  const sealed = db.prepare('SELECT sealed FROM secrets').all().map((row) => Buffer.from(row['sealed'] as Uint8Array));
  db.close();
  const clear = values.flatMap(([, secret]) => Object.values(secret)).map((text) => Buffer.from(text).subarray(0, 40));
  planted = [...sealed.flatMap((row) => [row.subarray(0, 24), row.subarray(-24)]), ...clear];
}

/** The key that a service finds at its start, and every secret read with it. */
async function openAsService(at: string, given: { readonly key?: string } = {}): Promise<{ readonly key: Buffer; readonly read: ReadonlyMap<string, Secret | null> }> {
  const file = join(at, 'vault.db');
  const key = loadMasterKey({ ...given, dataDir: at }, sqliteVaultFingerprint(file));
  const vault = openSqliteVault(file, key);
  const read = await Promise.all((await vault.refs()).map(async (ref) => [ref, await vault.get(ref)] as const));
  await vault.close();
  return { key, read: new Map(read) };
}

function startCommand(env: Readonly<Record<string, string>>, preloaded: readonly string[] = []) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SNAPKEEP_') && name !== 'NODE_OPTIONS');
  const preloads = ['typescript-loader.mjs', ...preloaded].flatMap((name) => ['--import', path(`./${name}`)]);
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...preloads, path('../cli.ts'), 'rotate-master-key'], {
    env: { ...Object.fromEntries(inherited), SNAPKEEP_DATA_DIR: dataDir, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => output.push(bytes.toString()));
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, output: output.join('') }));
  return { child, ended };
}
const rotate = (env: Readonly<Record<string, string>> = {}): Promise<Ended> => startCommand(env).ended;

const found = (pieces: readonly Buffer[]): readonly string[] =>
  pathsOf(dataDir).filter((name) => pieces.some((piece) => readFileSync(join(dataDir, name)).includes(piece)));

describe('with the data directory\'s own key', () => {
  let old: Buffer;
  let before: string;
  beforeEach(async () => {
    old = loadMasterKey({ dataDir }, null);
    await plant(old, 3);
    before = join(folder, 'before');
    cpSync(dataDir, before, { recursive: true });
  });

  const restore = (from: string): void => {
    rmSync(dataDir, { recursive: true });
    cpSync(from, dataDir, { recursive: true });
  };
  const expectRotated = async (): Promise<void> => {
    expect(pathsOf(dataDir)).toEqual(['events.db', 'master.key', 'vault.db']);
    expect(found([...planted, Buffer.from(old.toString('base64'))])).toEqual([]);
    const { key, read } = await openAsService(dataDir);
    expect(key).not.toEqual(old);
    expect(read).toEqual(secrets);
    expect(() => openSqliteVault(join(dataDir, 'vault.db'), old)).toThrow(expect.objectContaining({ code: 'VAULT_KEY_MISMATCH' }));
  };

  test('a new one takes its place, every secret stays readable, and nothing of before is left', async () => {
    expect(found(planted)).toEqual(['vault.db']);
    const { code, output } = await rotate();
    expect([code, output]).toEqual([0, expect.stringContaining('encrypted under the new master key')]);
    await expectRotated();
    expect(output).not.toContain(readFileSync(join(dataDir, 'master.key'), 'utf8').trim());
    expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
  });

  test('killed at any step, it leaves what a service opens and what the command completes', async () => {
    let steps = 0;
    for (let killed = true; killed; steps += killed ? 1 : 0) {
      restore(before);
      const { signal } = await startCommand({ SNAPKEEP_TEST_KILL_AT_STEP: String(steps + 1) }, ['killed-at-step.mjs']).ended;
      killed = signal === 'SIGKILL';
      const left = join(folder, 'left');
      cpSync(dataDir, left, { recursive: true });
      expect((await openAsService(left)).read).toEqual(secrets);
      rmSync(left, { recursive: true });
      if (killed) expect((await rotate()).code).toBe(0);
      await expectRotated();
    }
    expect(steps).toBeGreaterThan(15);
  });

  test('while Snapkeep runs it is refused, and nothing is changed', async () => {
    const running = openSqliteEventStore(join(dataDir, 'events.db'));
    const { code, output } = await rotate();
    await running.close();
    expect([code, output]).toEqual([1, expect.stringMatching(/another process.*has it open; stop that one first/)]);
    expect(await openAsService(dataDir)).toEqual({ key: old, read: secrets });
    expect(pathsOf(dataDir)).toEqual(['events.db', 'master.key', 'vault.db']);
  });

  (process.getuid?.() === 0 ? test : test.skip)('run by root, it leaves a key that the service\'s user can read', async () => {
    chownSync(join(dataDir, 'master.key'), 4711, 4712);
    expect((await rotate()).code).toBe(0);
    expect(statSync(join(dataDir, 'master.key'))).toMatchObject({ uid: 4711, gid: 4712 });
  });

  test('a key that is given takes over from it', async () => {
    const given = randomBytes(32).toString('base64');
    const { code, output } = await rotate({ SNAPKEEP_NEW_MASTER_KEY: given });
    expect([code, output]).toEqual([0, expect.stringMatching(/set SNAPKEEP_MASTER_KEY to .*delete .*master\.key/)]);
    expect((await openAsService(dataDir, { key: given })).read).toEqual(secrets);
    await expect(openAsService(dataDir)).rejects.toMatchObject({ code: 'VAULT_KEY_MISMATCH' });
  });
});

const seed = 20_261_123;
test(`killed again and again at random instants (seed ${seed}), it loses nothing and completes`, async () => {
  const random = seededRandom(seed);
  const old = loadMasterKey({ dataDir }, null);
  await plant(old, 120);
  // Either: between two looks the new key may have come and taken the old one's place.
  const changes = () => ['master.key.next', 'master.key'].map((name) => lastChange(join(dataDir, name))).join();
  for (let kills = 0; kills < 15; kills += 1) {
    const before = changes();
    const { child, ended } = startCommand({});
    spinUntil(() => changes() !== before);
    const killedAt = performance.now() + random.next() * 20;
    spinUntil(() => performance.now() > killedAt);
    child.kill('SIGKILL');
    await ended;
    expect((await openAsService(dataDir)).read).toEqual(secrets);
  }
  expect((await rotate()).code).toBe(0);
  expect(found(planted)).toEqual([]);
  expect((await openAsService(dataDir)).read).toEqual(secrets);
});

describe('with a configured key', () => {
  const old = randomBytes(32).toString('base64');
  const given = randomBytes(32).toString('hex');
  const current = { SNAPKEEP_MASTER_KEY: old };
  beforeEach(() => plant(Buffer.from(old, 'base64'), 3));

  test('the new one is given, and what to configure is said at the end, also when it is repeated', async () => {
    const keyFile = join(folder, 'new.key');
    writeFileSync(keyFile, given, { mode: 0o600 });
    const instruction = `set SNAPKEEP_MASTER_KEY_FILE to ${keyFile}, and unset what else gives a master key`;
    for (const said of ['encrypted under the new', 'already']) {
      const { code, output } = await rotate({ ...current, SNAPKEEP_NEW_MASTER_KEY_FILE: keyFile });
      expect([code, output]).toEqual([0, expect.stringContaining(instruction)]);
      expect(output).toContain(said);
      expect(output).not.toContain(given);
    }
    expect((await openAsService(dataDir, { key: given })).read).toEqual(secrets);
    expect(found(planted)).toEqual([]);
    await expect(openAsService(dataDir, { key: old })).rejects.toMatchObject({ code: 'VAULT_KEY_MISMATCH' });
    expect(pathsOf(dataDir)).toEqual(['events.db', 'vault.db']);
  });

  const wrong = randomBytes(31).toString('base64');
  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['no new key', {}, /set SNAPKEEP_NEW_MASTER_KEY or SNAPKEEP_NEW_MASTER_KEY_FILE/],
    ['a new key that is none', { SNAPKEEP_NEW_MASTER_KEY: wrong }, /SNAPKEEP_NEW_MASTER_KEY is not 32 bytes/],
    ['the same key', { SNAPKEEP_NEW_MASTER_KEY: old }, /SNAPKEEP_NEW_MASTER_KEY gives the key that is configured as the current one/],
    ['a new key given twice', { SNAPKEEP_NEW_MASTER_KEY: given, SNAPKEEP_NEW_MASTER_KEY_FILE: '/x' }, /are both set/],
    ['a file that is not there', { SNAPKEEP_NEW_MASTER_KEY_FILE: '/absent' }, /absent cannot be read \(ENOENT\); correct SNAPKEEP_NEW_MASTER_KEY_FILE/],
    ['another current key than the vault\'s', { SNAPKEEP_MASTER_KEY: randomBytes(32).toString('hex'), SNAPKEEP_NEW_MASTER_KEY: given }, /fingerprint/],
    ['no data directory', { SNAPKEEP_NEW_MASTER_KEY: given, SNAPKEEP_DATA_DIR: '/absent' }, /no data directory of Snapkeep; correct SNAPKEEP_DATA_DIR/],
    ['a misspelt variable', { SNAPKEEP_NEW_MASTERKEY: given }, /SNAPKEEP_NEW_MASTERKEY is not a variable/],
  ])('%s is refused with its remedy, no key is shown, and nothing is changed', async (_, env, message) => {
    const { code, output } = await rotate({ ...current, ...env });
    expect([code, output]).toEqual([1, expect.stringMatching(message)]);
    expect([old, given, wrong].filter((key) => output.includes(key))).toEqual([]);
    expect((await openAsService(dataDir, { key: old })).read).toEqual(secrets);
  });
});

const lastChange = (file: string): bigint | undefined => statSync(file, { bigint: true, throwIfNoEntry: false })?.mtimeNs;

/** Busy, because what is to be met takes less than a timer. */
function spinUntil(holds: () => boolean): void {
  const givenUpAt = performance.now() + 30_000;
  while (!holds()) if (performance.now() > givenUpAt) throw new Error('not seen within 30 s');
}
