import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkDirectory } from './directory-check.js';
import { openTargetRoots } from './target-roots.js';

const never = new AbortController().signal;

let folder: string;
let root: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'check-'));
  root = join(folder, 'root');
});
afterEach(() => rm(folder, { recursive: true }));

const check = (signal = never) => checkDirectory({ targetId: 'local', nodeId: 'n1', root, roots: openTargetRoots(join(folder, 'roots.json')) }, signal);

test('a directory that works passes, is told apart from the system\'s disk, and keeps nothing but its marker', async () => {
  const checks = await check();
  expect(checks.map(({ ok }) => ok)).toEqual([true, true, true, true, true]);
  expect(checks[0]?.message).toBe(root);
  expect(checks[3]?.message).toMatch(/^\d+\.\d GB of \d+\.\d GB free$/);
  expect(checks[4]?.message).toMatch(/^(yes|no): /);
  expect(await readdir(root)).toEqual(['.snapkeep-target']);
});

test('what fails says what to do, and the ones behind it were not tried', async () => {
  await check();
  await rm(join(root, '.snapkeep-target'));
  const [first, ...others] = await check();
  expect(first).toMatchObject({ ok: false, message: expect.stringContaining('probably not mounted'), remedy: expect.stringContaining('Mount its disk') });
  expect(others.map(({ ok, message }) => [ok, message])).toEqual(others.map(() => [false, expect.stringMatching(/^not tried, because "exists/)]));
});

test('a root that is a file, or another\'s directory, is named', async () => {
  await writeFile(root, 'mine');
  expect((await check())[0]).toMatchObject({ ok: false, message: expect.stringContaining(root) });
  await rm(root);
  await mkdir(root);
  await writeFile(join(root, '.snapkeep-target'), JSON.stringify({ version: 1, targetId: 'other', node: 'n1' }));
  expect((await check())[0]).toMatchObject({ ok: false, message: expect.stringContaining("belongs to target 'other'") });
});

test('after the signal nothing more is tried', async () => {
  const ended = new AbortController();
  ended.abort();
  const checks = await check(ended.signal);
  expect(checks.map(({ ok }) => ok)).toEqual([false, false, false, false, false]);
  expect(await readdir(folder)).toEqual([]);
});
