// The command `log copy`: opens the stores and vaults that it is given, copies, compares, and says what to set afterwards.
// How events and secrets are copied is in events/log-copy.ts and services/vault/vault-copy.ts.
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from './config.js';
import type { Config } from './config.js';
import { lockDataDir } from './data-dir-lock.sqlite.js';
import { openMongo } from './database.mongo.js';
import { SnapkeepError } from './events/errors.js';
import { openEventStoreDb } from './events/event-store.eventstoredb.js';
import { openSqliteEventStore } from './events/event-store.sqlite.js';
import type { EventStore } from './events/event-store.js';
import { comparedLogs, copiedUntil, copyEvents } from './events/log-copy.js';
import type { LogDigest } from './events/log-copy.js';
import { eventStoreDbFault } from './events/server-connection.eventstoredb.js';
import { sqliteVaultFingerprint } from './services/vault/keyed-vault.sqlite.js';
import { loadMasterKey, readGivenKey } from './services/vault/master-key.js';
import { keyFingerprint } from './services/vault/sealed-secret.js';
import { copyVault } from './services/vault/vault-copy.js';
import { openMongoVault } from './services/vault/vault.mongo.js';
import { openSqliteVault } from './services/vault/vault.sqlite.js';
import type { Vault } from './services/vault/vault.js';

export const logCopyUsage = 'log copy --from <store> --to <store> [--from-vault <vault>] [--to-vault <vault>], where a store is a data directory or '
  + 'esdb://…, and a vault a data directory or mongodb://…';

/** A log with its vault, each a data directory (absolute) or a URL. */
interface Side {
  readonly log: string;
  readonly vault: string;
}

/** What is opened, to be closed in reverse. */
type Opened = AsyncDisposableStack;

/**
 * Gives what is to be said at the end; `say` is told the progress. May be interrupted at any instant and run again.
 * @throws SnapkeepError CONFIG_INVALID for stores that cannot be copied, STORE_IN_USE while a Snapkeep runs on a data directory of them.
 */
export async function copyLogByCommand(env: NodeJS.ProcessEnv, args: readonly string[], say: (text: string) => void): Promise<string> {
  const config = readConfig(env);
  const { from, to } = sidesOf(args, config);
  await using opened = new AsyncDisposableStack();
  const source = await openLog(opened, sourceDirectory(from.log));
  const target = await openLog(opened, targetDirectory(to.log));
  const after = await copiedUntil(source, target);
  // First, since an event names secrets that are there already. Nothing is written yet where either is refused.
  const secrets = from.vault === to.vault ? null : await copyVaultOf(opened, from, to, config);
  let copied = 0;
  await copyEvents(source, target, after, (events) => {
    if (Math.floor((copied + events) / 10_000) > Math.floor(copied / 10_000)) say(`${copied + events} events copied`);
    copied += events;
  });
  return whatIsLeftToDo(await comparedLogs(source, target), secrets, from, to);
}

function sidesOf(args: readonly string[], { stores }: Config): { readonly from: Side; readonly to: Side } {
  const given = optionsOf(args);
  const [from, to] = (['from', 'to'] as const).map((option) => logOf(option, given[option]));
  if (from === undefined || to === undefined) throw refused(`usage: snapkeep ${logCopyUsage}`);
  if (from === to) throw refused('--from and --to name the same store; name another one as --to');
  const vaultOf = (log: string, option: 'from-vault' | 'to-vault'): string => {
    const vault = given[option] ?? (isUrl(log) ? stores.vault : log);
    if (vault !== null) return placeOf(vault, /^mongodb(\+srv)?:\/\//);
    throw refused(`${log.replace(/:.*/, '')}://… holds no vault: give --${option}, or set SNAPKEEP_VAULT or SNAPKEEP_READ_STORE`);
  };
  return { from: { log: from, vault: vaultOf(from, 'from-vault') }, to: { log: to, vault: vaultOf(to, 'to-vault') } };
}

function logOf(option: 'from' | 'to', given: string | undefined): string | undefined {
  const log = given === undefined ? undefined : placeOf(given, /^esdb(\+discover)?:\/\//);
  const fault = log !== undefined && isUrl(log) ? eventStoreDbFault(log) : null;
  if (fault !== null) throw refused(`--${option} ${fault}`);
  return log;
}

function optionsOf(args: readonly string[]) {
  const option = { type: 'string' } as const;
  try {
    return parseArgs({ args: [...args], options: { from: option, to: option, 'from-vault': option, 'to-vault': option } }).values;
  } catch (cause) {
    throw new SnapkeepError('CONFIG_INVALID', `usage: snapkeep ${logCopyUsage}`, { cause });
  }
}

const isUrl = (place: string): boolean => /^[a-z+]+:\/\//.test(place);

/** A URL is never repeated in a message: it may hold a password. */
function placeOf(text: string, scheme: RegExp): string {
  if (!isUrl(text)) return resolve(text);
  if (scheme.test(text)) return text;
  throw refused(`${text.replace(/:.*/s, '')}://… is no store of this kind; usage: snapkeep ${logCopyUsage}`);
}

function sourceDirectory(log: string): string {
  if (isUrl(log) || existsSync(join(log, 'events.db'))) return log;
  throw refused(`${log} is no data directory of Snapkeep; correct --from`);
}

function targetDirectory(log: string): string {
  if (isUrl(log)) return log;
  mkdirSync(log, { recursive: true, mode: 0o700 });
  if (existsSync(join(log, 'events.db')) || readdirSync(log).length === 0) return log;
  throw refused(`${log} holds other files; name an empty or a new directory as --to`);
}

/** The file of an embedded log is locked by being open. */
async function openLog(opened: Opened, log: string): Promise<EventStore> {
  const store = isUrl(log) ? await openEventStoreDb(log) : openSqliteEventStore(join(log, 'events.db'));
  opened.defer(() => store.close());
  return store;
}

async function copyVaultOf(opened: Opened, from: Side, to: Side, { masterKey }: Config): Promise<number> {
  if (!isUrl(from.vault) && !existsSync(join(from.vault, 'vault.db'))) return 0;
  const source = await openVault(opened, from, masterKey);
  return copyVault(source, await openVault(opened, to, masterKey));
}

async function openVault(opened: Opened, { vault, log }: Side, masterKey: Config['masterKey']): Promise<Vault> {
  if (!isUrl(vault)) return openOwnVault(opened, vault, vault === log, masterKey);
  const key = readGivenKey(masterKey, 'SNAPKEEP_MASTER_KEY');
  if (key === null) throw refused('a vault in MongoDB needs a configured key: set SNAPKEEP_MASTER_KEY_FILE; make one: openssl rand -base64 32');
  const connection = openMongo(vault);
  opened.defer(() => connection.close());
  return openMongoVault(connection.db, key);
}

function openOwnVault(opened: Opened, dataDir: string, isLocked: boolean, masterKey: Config['masterKey']): Vault {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (!isLocked) opened.defer(lockDataDir(dataDir));
  const vault = openSqliteVault(join(dataDir, 'vault.db'), keyOfDirectory(dataDir, masterKey));
  opened.defer(() => vault.close());
  return vault;
}

/** The configured key, unless the vault is written under the directory's own: then the configured one is meant for the other side. */
function keyOfDirectory(dataDir: string, masterKey: Config['masterKey']): Buffer {
  const fingerprint = sqliteVaultFingerprint(join(dataDir, 'vault.db'));
  const given = readGivenKey(masterKey, 'SNAPKEEP_MASTER_KEY');
  const isForOther = given !== null && fingerprint !== null && keyFingerprint(given) !== fingerprint && existsSync(join(dataDir, 'master.key'));
  return given === null || isForOther ? loadMasterKey({ dataDir }, fingerprint) : given;
}

function whatIsLeftToDo({ events, sha256 }: LogDigest, secrets: number | null, from: Side, to: Side): string {
  const head = `${events} events copied and compared, SHA-256 ${sha256}. `
    + (secrets === null ? 'The vault is the same and stays where it is.' : `${secrets} secret(s) copied and compared.`);
  const steps = [
    isUrl(to.log) ? 'SNAPKEEP_EVENT_STORE: the URL that was given as --to; SNAPKEEP_READ_STORE: a database in MongoDB'
      : `SNAPKEEP_DATA_DIR=${to.log}, without SNAPKEEP_EVENT_STORE`,
    isUrl(to.vault) ? 'SNAPKEEP_VAULT: the URL of the vault, unless it is in the read store\'s database; the master key: the one configured now'
      : `the vault and, unless one is configured, its master.key are in ${to.vault}`,
    ...nodeSteps(from.log),
    'the read store is filled from the log by itself; cursors that clients kept are refused by name, since positions are another log\'s: they '
      + 'begin without one',
    'nothing may run on the source any more: both would take snapshots, and neither would know of the other\'s',
  ];
  return `${head}\nFor Snapkeep on the copy:\n${steps.map((step) => `  - ${step}`).join('\n')}`;
}

/** Copies on local disks are read and pruned only by the node that they are recorded under. */
function nodeSteps(log: string): string[] {
  const file = join(log, 'node-id');
  if (isUrl(log) || !existsSync(file)) return [];
  return [`local copies belong to the node ${readFileSync(file, 'utf8').trim()}: let one worker on that machine keep node-id and target-roots.json `
    + `of ${log} in its data directory`];
}

function refused(message: string): SnapkeepError {
  return new SnapkeepError('CONFIG_INVALID', message);
}
