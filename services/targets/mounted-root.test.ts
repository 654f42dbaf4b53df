// A directory target on a file system of its own, which can fill up or be read-only. Needs root to mount one; skipped by name elsewhere.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wholeSource } from './copy-source.fixture.js';
import { FIRST, SECOND } from './target.contract.js';
import { localTarget } from './target.local.js';
import { openTargetRoots } from './target-roots.js';

const source = wholeSource(Buffer.alloc(100_000, 'database'));
const never = new AbortController().signal;

let folder: string;
let root: string;
const open = () => localTarget({ targetId: 'local', nodeId: 'node-1', root, roots: openTargetRoots(join(folder, 'target-roots.json')) });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mounted-'));
  root = join(folder, 'root');
  await mkdir(root);
});
afterEach(() => rm(folder, { recursive: true }));

describe('on a disk of its own', () => {
  const mount = (...options: string[]): boolean => spawnSync('mount', ['-t', 'tmpfs', ...options, 'tmpfs', root]).status === 0;
  const mountable = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0 ? test : test.skip;
  afterEach(() => {
    spawnSync('umount', [root]);
  });

  mountable('that fills up, a copy fails as DISK_FULL and leaves nothing', async () => {
    expect(mount('-o', 'size=64k')).toBe(true);
    await open().spoolFolder();
    await expect(open().store(FIRST, source, never)).rejects.toMatchObject({ step: 'COMMIT', code: 'DISK_FULL', message: expect.stringContaining(root) });
    expect((await readdir(root)).sort()).toEqual(['.snapkeep-spool', '.snapkeep-target']);
  });

  mountable('that is read-only, every write is refused with the remedy', async () => {
    expect(mount()).toBe(true);
    const { keys } = await open().store(FIRST, source, never);
    expect(spawnSync('mount', ['-o', 'remount,ro', root]).status).toBe(0);
    const failure = { code: 'TARGET_NOT_WRITABLE', message: expect.stringContaining('mount options') };
    await expect(open().preflight(1)).rejects.toMatchObject({ step: 'PREFLIGHT', ...failure });
    await expect(open().store(SECOND, source, never)).rejects.toMatchObject(failure);
    await expect(open().remove(keys)).rejects.toMatchObject({ step: 'REMOVE', ...failure });
    expect(await open().present(keys)).toBe(true);
  });
});
