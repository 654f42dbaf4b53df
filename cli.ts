// The command line: composition root and entry of what is done to stores while no Snapkeep runs on them.
// The service is main.ts; the environment is read in config.ts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readRotationConfig } from './config.js';
import type { RotationConfig } from './config.js';
import { openMongo } from './database.mongo.js';
import { isSnapkeepError, SnapkeepError } from './events/errors.js';
import { openSqliteEventStore } from './events/event-store.sqlite.js';
import { copyLogByCommand, logCopyUsage } from './log-copy-command.js';
import { mongoKeyedVault } from './services/vault/keyed-vault.mongo.js';
import { sqliteKeyedVault } from './services/vault/keyed-vault.sqlite.js';
import type { KeyedVault } from './services/vault/keyed-vault.js';
import type { Rotation } from './services/vault/master-key-rotation.js';
import { rotateMasterKey } from './services/vault/master-key-rotation.js';

interface Command {
  readonly usage: string;
  /** Gives what is to be said at its end. */
  readonly run: (env: NodeJS.ProcessEnv, args: readonly string[]) => Promise<string>;
}

async function rotateByCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<string> {
  if (args.length > 0) throw new SnapkeepError('CONFIG_INVALID', usage());
  const given = readRotationConfig(env);
  const { dataDir, masterKey, stores } = given.config;
  await using opened = new AsyncDisposableStack();
  const vault = stores.vault === null ? ownVault(opened, dataDir) : sharedVault(opened, stores.vault);
  return whatIsLeftToDo(await rotateMasterKey({ ...masterKey, dataDir }, given.newMasterKey, vault), given);
}

/** The log has one owner at a time: while it is open here no Snapkeep can start, and where one runs this is refused. */
function ownVault(opened: AsyncDisposableStack, dataDir: string): KeyedVault {
  const log = join(dataDir, 'events.db');
  if (!existsSync(log)) throw new SnapkeepError('CONFIG_INVALID', `${dataDir} is no data directory of Snapkeep; correct SNAPKEEP_DATA_DIR`);
  const store = openSqliteEventStore(log);
  opened.defer(() => store.close());
  return sqliteKeyedVault(join(dataDir, 'vault.db'));
}

/** Processes that still run on it are refused its secrets from then on. */
function sharedVault(opened: AsyncDisposableStack, url: string): KeyedVault {
  const connection = openMongo(url);
  opened.defer(() => connection.close());
  return mongoKeyedVault(connection.db);
}

const said: Readonly<Record<Rotation, string>> = {
  ROTATED: 'The vault is encrypted under the new master key.',
  FINISHED: 'The vault was under the new master key already, from a rotation that was interrupted; it is complete now.',
};

function whatIsLeftToDo(rotation: Rotation, { config: { dataDir, masterKey }, newMasterKey }: RotationConfig): string {
  const own = join(dataDir, 'master.key');
  if (!newMasterKey.key && !newMasterKey.keyFile) return `${said[rotation]} It is ${own}: keep a copy in a safe place, and start Snapkeep.`;
  const change = newMasterKey.key
    ? 'SNAPKEEP_MASTER_KEY to what SNAPKEEP_NEW_MASTER_KEY is now'
    : `SNAPKEEP_MASTER_KEY_FILE to ${newMasterKey.keyFile}`;
  const leftOver = masterKey.key || masterKey.keyFile ? 'unset what else gives a master key' : `delete ${own}, which is not used any more`;
  return `${said[rotation]} Before you start Snapkeep: set ${change}, and ${leftOver}.`;
}

const commands: Readonly<Record<string, Command>> = {
  'rotate-master-key': { usage: 'rotate-master-key', run: rotateByCommand },
  'log copy': { usage: logCopyUsage, run: (env, args) => copyLogByCommand(env, args, (text) => process.stderr.write(`${text}\n`)) },
};

async function run(given: readonly string[]): Promise<void> {
  const name = Object.keys(commands).find((words) => `${given.join(' ')} `.startsWith(`${words} `)) ?? '';
  const command = commands[name];
  if (!command) throw new SnapkeepError('CONFIG_INVALID', usage());
  process.stdout.write(`${await command.run(process.env, given.slice(name.split(' ').length))}\n`);
}

function usage(): string {
  return `usage:\n${Object.values(commands).map((command) => `  snapkeep ${command.usage}`).join('\n')}`;
}

run(process.argv.slice(2)).catch((error: unknown) => {
  const text = isSnapkeepError(error) ? error.message : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
});
