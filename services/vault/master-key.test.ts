import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMasterKey } from './master-key.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'master-key-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const KEY = randomBytes(32);

test.each(['base64', 'hex'] as const)('a key given in %s is used, and none is made', (encoding) => {
  expect(loadMasterKey({ key: `${KEY.toString(encoding)}\n`, dataDir })).toEqual(KEY);
  expect(readdirSync(dataDir)).toEqual([]);
});

test('a key file that only its owner can read is used', () => {
  const keyFile = join(dataDir, 'given');
  writeFileSync(keyFile, KEY.toString('base64'), { mode: 0o400 });
  expect(loadMasterKey({ keyFile, dataDir })).toEqual(KEY);
});

test('without either, a key is made once, for its owner only, leaving no draft', () => {
  const made = loadMasterKey({ dataDir });
  expect(made).toHaveLength(32);
  expect(loadMasterKey({ dataDir })).toEqual(made);
  expect(readdirSync(dataDir)).toEqual(['master.key']);
  expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
});

test('a key file that its group or others may read is refused with the command that helps', () => {
  loadMasterKey({ dataDir });
  chmodSync(join(dataDir, 'master.key'), 0o640);
  expect(() => loadMasterKey({ dataDir })).toThrow(/mode 640.*chmod 600 .*master\.key/);
});

test('a key given twice is refused', () => {
  expect(() => loadMasterKey({ key: KEY.toString('hex'), keyFile: 'x', dataDir })).toThrow(/both set/);
});

test.each(['short', KEY.toString('hex').slice(2), randomBytes(33).toString('base64')])('a text that is not 32 bytes is refused and not told', (key) => {
  const refused = expect.objectContaining({ code: 'MASTER_KEY_INVALID', message: expect.not.stringContaining(key) });
  expect(() => loadMasterKey({ key, dataDir })).toThrow(refused);
});

test('a key file that is missing or cut short is refused and never replaced', () => {
  expect(() => loadMasterKey({ keyFile: join(dataDir, 'absent'), dataDir })).toThrow(/absent cannot be read \(ENOENT\)/);
  writeFileSync(join(dataDir, 'master.key'), '', { mode: 0o600 });
  expect(() => loadMasterKey({ dataDir })).toThrow(/master\.key is not 32 bytes/);
  expect(readFileSync(join(dataDir, 'master.key'), 'utf8')).toBe('');
});
