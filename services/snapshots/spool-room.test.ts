import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSpoolRoom } from './spool-room.js';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'room-')); });
afterEach(() => rm(folder, { recursive: true }));

const place = (name: string, bytes: number) => ({ folder: name, file: join(folder, `${name}.spool`), bytes });
const files = async (): Promise<string[]> => (await readdir(folder)).sort();

async function created(room: ReturnType<typeof createSpoolRoom>, name: string, bytes: number): Promise<void> {
  await (await room.create(place(name, bytes))).close();
}

test('spools fit up to the bound, and a discarded one makes room', async () => {
  const room = createSpoolRoom(100);
  await created(room, 'a', 60);
  await expect(room.create(place('b', 41))).rejects.toMatchObject({
    step: 'PREFLIGHT', code: 'SPOOL_FULL', message: expect.stringMatching(/41 bytes beside those of 60 bytes.*SNAPKEEP_SPOOL_LIMIT_GB/),
  });
  await created(room, 'c', 40);
  await room.discard('a');
  await room.discard('a');
  await created(room, 'b', 41);
  expect(await files()).toEqual(['b.spool', 'c.spool']);
});

test('one that is kept for repairs is found, and gives way to an attempt, the oldest first and no more than it takes', async () => {
  const room = createSpoolRoom(100);
  for (const name of ['a', 'b']) {
    await created(room, name, 40);
    room.keep(name);
  }
  expect([room.kept('a'), room.kept('c')]).toEqual([join(folder, 'a.spool'), null]);
  await created(room, 'c', 50);
  expect([room.kept('a'), room.kept('b'), room.kept('c')]).toEqual([null, join(folder, 'b.spool'), null]);
  expect(await files()).toEqual(['b.spool', 'c.spool']);
});

test('without a bound it is the disk that bounds, with what is promised to others, and what is kept gives way before', async () => {
  const { bavail, bsize } = await statfs(folder);
  const nearlyAll = Math.floor(bavail * bsize * 0.6);
  const room = createSpoolRoom(null);
  await created(room, 'kept', 10);
  room.keep('kept');
  await created(room, 'a', nearlyAll);
  expect(room.kept('kept')).not.toBeNull();
  await expect(room.create(place('b', nearlyAll))).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('still grow') });
  expect(await files()).toEqual(['a.spool']);
  await room.discard('a');
  await created(room, 'b', nearlyAll);
});

test('what the disk cannot take is refused', async () => {
  const room = createSpoolRoom(null);
  await created(room, 'a', 1e9);
  await expect(room.create(place('b', 9e17))).rejects.toMatchObject({ step: 'PREFLIGHT', code: 'DISK_FULL', message: expect.stringContaining(folder) });
  expect(await files()).toEqual(['a.spool']);
});

test('a folder that cannot be written is a failure of the preflight that takes no room', async () => {
  const room = createSpoolRoom(100);
  await expect(room.create({ folder: 'a', file: join(folder, 'gone', 'a.spool'), bytes: 90 })).rejects.toMatchObject({ step: 'PREFLIGHT', code: 'DISK_FAILED' });
  await created(room, 'b', 90);
});
