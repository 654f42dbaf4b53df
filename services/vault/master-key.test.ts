import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMasterKey } from './master-key.js';
import { keyFingerprint } from './sealed-secret.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'master-key-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const KEY = randomBytes(32);

test.each(['base64', 'hex'] as const)('a key given in %s is used, and none is made', (encoding) => {
  expect(loadMasterKey({ key: `${KEY.toString(encoding)}\n`, dataDir }, null)).toEqual(KEY);
  expect(readdirSync(dataDir)).toEqual([]);
});

test('a key file that only its owner can read is used', () => {
  const keyFile = join(dataDir, 'given');
  writeFileSync(keyFile, KEY.toString('base64'), { mode: 0o400 });
  expect(loadMasterKey({ keyFile, dataDir }, null)).toEqual(KEY);
});

test('without either, a key is made once, for its owner only, leaving no draft', () => {
  const made = loadMasterKey({ dataDir }, null);
  expect(made).toHaveLength(32);
  expect(loadMasterKey({ dataDir }, null)).toEqual(made);
  expect(readdirSync(dataDir)).toEqual(['master.key']);
  expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
});

test('a key file that its group or others may read is refused with the command that helps', () => {
  loadMasterKey({ dataDir }, null);
  chmodSync(join(dataDir, 'master.key'), 0o640);
  expect(() => loadMasterKey({ dataDir }, null)).toThrow(/mode 640.*chmod 600 .*master\.key/);
});

test('a key given twice is refused', () => {
  expect(() => loadMasterKey({ key: KEY.toString('hex'), keyFile: 'x', dataDir }, null)).toThrow(/both set/);
});

test.each(['short', KEY.toString('hex').slice(2), randomBytes(33).toString('base64')])('a text that is not 32 bytes is refused and not told', (key) => {
  const refused = expect.objectContaining({ code: 'MASTER_KEY_INVALID', message: expect.not.stringContaining(key) });
  expect(() => loadMasterKey({ key, dataDir }, null)).toThrow(refused);
});

test('a key file that is missing or cut short is refused and never replaced', () => {
  expect(() => loadMasterKey({ keyFile: join(dataDir, 'absent'), dataDir }, null)).toThrow(/absent cannot be read \(ENOENT\)/);
  writeFileSync(join(dataDir, 'master.key'), '', { mode: 0o600 });
  expect(() => loadMasterKey({ dataDir }, null)).toThrow(/master\.key is not 32 bytes/);
  expect(readFileSync(join(dataDir, 'master.key'), 'utf8')).toBe('');
});

test('none is made where the vault was written under one: the lost key is what is asked for', () => {
  expect(() => loadMasterKey({ dataDir }, keyFingerprint(KEY))).toThrow(/master\.key cannot be read \(ENOENT\); put it back/);
  expect(readdirSync(dataDir)).toEqual([]);
});

describe('with the next key of an interrupted change beside it', () => {
  const next = randomBytes(32);
  const nextFile = (): string => join(dataDir, 'master.key.next');
  let own: Buffer;
  beforeEach(() => {
    own = loadMasterKey({ dataDir }, null);
    writeFileSync(nextFile(), next.toString('base64'), { mode: 0o600 });
  });

  test('the change is completed where the vault is written under that key', () => {
    expect(loadMasterKey({ dataDir }, keyFingerprint(next))).toEqual(next);
    expect(readdirSync(dataDir)).toEqual(['master.key']);
    expect(loadMasterKey({ dataDir }, keyFingerprint(next))).toEqual(next);
  });

  test.each([['whole', next.toString('base64')], ['cut short', 'abc'], ['empty', '']])('it is left alone where the vault is not, be it %s', (_, text) => {
    writeFileSync(nextFile(), text);
    expect(loadMasterKey({ dataDir }, keyFingerprint(own))).toEqual(own);
    expect(readFileSync(nextFile(), 'utf8')).toBe(text);
  });

  test('a configured key has nothing to do with it', () => {
    expect(loadMasterKey({ key: KEY.toString('hex'), dataDir }, keyFingerprint(next))).toEqual(KEY);
    expect(readdirSync(dataDir)).toEqual(['master.key', 'master.key.next']);
  });
});
