import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDir } from './data-dir-lock.sqlite.js';

test('a data directory is held by one at a time, and free once it is released', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  try {
    const release = lockDataDir(folder);
    expect(() => lockDataDir(folder)).toThrow(expect.objectContaining({ code: 'STORE_IN_USE', message: expect.stringContaining('SNAPKEEP_DATA_DIR') }));
    release();
    lockDataDir(folder)();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
