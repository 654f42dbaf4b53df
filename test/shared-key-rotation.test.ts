// The real command rotate-master-key on a vault in MongoDB. How a change survives interruptions is tested beside the adapter.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { openMongoVault } from '../services/vault/vault.mongo.js';
import { mongoSuite } from './mongo-server.js';
import type { TestDatabase } from './mongo-server.js';

const path = (name: string): string => new URL(name, import.meta.url).pathname;
const [OLD, NEW] = [randomBytes(32), randomBytes(32)];

await mongoSuite('rotate-master-key on a vault in MongoDB', (open) => {
  let database: TestDatabase;
  beforeEach(() => {
    database = open();
  });
  afterEach(() => database.dispose());

  function rotate(env: Readonly<Record<string, string>>): Promise<{ readonly failed: boolean; readonly output: string }> {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SNAPKEEP_') && name !== 'NODE_OPTIONS');
    const args = ['--disable-warning=ExperimentalWarning', '--import', path('./typescript-loader.mjs'), path('../cli.ts'), 'rotate-master-key'];
    const own = { SNAPKEEP_VAULT: database.url, SNAPKEEP_MASTER_KEY: OLD.toString('base64') };
    return new Promise((resolve) => {
      execFile(process.execPath, args, { env: { ...Object.fromEntries(inherited), ...own, ...env } }, (error, stdout, stderr) => {
        resolve({ failed: error !== null, output: stdout + stderr });
      });
    });
  }

  test('every secret is under the new key, no running Snapkeep is given one under the old, and the command says what to set', async () => {
    const running = await openMongoVault(database.db, OLD);
    await running.put('secret-1', { accessKey: 'AKIA', secretKey: 'planted' });
    const { failed, output } = await rotate({ SNAPKEEP_NEW_MASTER_KEY: NEW.toString('base64') });
    expect([failed, output]).toEqual([false, expect.stringContaining('set SNAPKEEP_MASTER_KEY to what SNAPKEEP_NEW_MASTER_KEY is now')]);
    await expect(running.get('secret-1')).rejects.toMatchObject({ code: 'VAULT_KEY_MISMATCH' });
    expect(await (await openMongoVault(database.db, NEW)).get('secret-1')).toEqual({ accessKey: 'AKIA', secretKey: 'planted' });
  });

  test('without a new key, or where no vault was written yet, it is refused and says what to set', async () => {
    expect(await rotate({ SNAPKEEP_NEW_MASTER_KEY: NEW.toString('base64') })).toEqual({ failed: true, output: expect.stringContaining('SNAPKEEP_VAULT') });
    await openMongoVault(database.db, OLD);
    expect(await rotate({})).toEqual({ failed: true, output: expect.stringContaining('set SNAPKEEP_NEW_MASTER_KEY') });
  });
});
