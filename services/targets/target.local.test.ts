import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spoolFile } from '../snapshots/spool.js';
import { StepFailure } from '../snapshots/step-failure.js';
import { heldSource, readUpTo, wholeSource } from './copy-source.fixture.js';
import type { CopySource } from './copy-source.js';
import { FIRST, SECOND, targetContract, unversioned } from './target.contract.js';
import { localTarget } from './target.local.js';
import { openTargetRoots } from './target-roots.js';

const CONTENT = Buffer.alloc(100_000, 'database');
const never = new AbortController().signal;

/** A spool that is complete and verified. */
async function spoolIn(folder: string, bytes: Buffer = CONTENT): Promise<CopySource & { readonly file: string }> {
  const file = join(folder, `${randomUUID()}.spool`);
  await writeFile(file, bytes, { mode: 0o600 });
  return { ...wholeSource(bytes), file };
}

function fixtureWith(spoolBase: string) {
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'target-'));
    const elsewhere = await mkdtemp(join(spoolBase, 'spool-'));
    const target = localTarget({
      targetId: 'local', nodeId: 'node-1', root: join(folder, 'root'), roots: openTargetRoots(join(folder, 'target-roots.json')),
    });
    const dispose = async (): Promise<void> => {
      for (const each of [folder, elsewhere]) await rm(each, { recursive: true });
    };
    return { target, prefix: '', source: (bytes: Buffer) => spoolIn(elsewhere, bytes), dispose };
  };
}

targetContract('local disk, spool on the same file system', fixtureWith(tmpdir()));
targetContract('local disk, spool on another file system', fixtureWith('/dev/shm'));

describe('a directory as target', () => {
  let folder: string;
  let root: string;
  const open = (owner: { targetId?: string; nodeId?: string; root?: string } = {}) => localTarget({
    targetId: 'local', nodeId: 'node-1', root, roots: openTargetRoots(join(folder, 'target-roots.json')), ...owner,
  });
  const tree = async (of = root): Promise<string[]> => {
    const entries = await readdir(of, { recursive: true, withFileTypes: true });
    return entries.map((entry) => join(entry.parentPath, entry.name).slice(of.length + 1)).sort();
  };
  const store = async (place = FIRST) => open().store(place, await spoolIn(folder), never);
  /** Nothing is verified yet; the part is there. */
  const underWay = async (place = FIRST) => {
    const source = heldSource(CONTENT.length);
    const stored = open().store(place, source, never);
    stored.catch(() => undefined);
    source.feed(CONTENT);
    await readUpTo(source, CONTENT.length);
    return { source, stored };
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'target-'));
    root = join(folder, 'a', 'root');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('files are for their owner only, under their own absolute path', async () => {
    const { location } = await store();
    expect(location).toBe(join(root, FIRST.folder, 'snapshot.db'));
    const modes = (path: string) => stat(path).then(({ mode }) => mode & 0o777);
    expect(await Promise.all([location, join(dirname(location), 'manifest.json')].map(modes))).toEqual([0o600, 0o600]);
    expect(await Promise.all([root, join(root, 'prod'), dirname(location)].map(modes))).toEqual([0o700, 0o700, 0o700]);
  });

  test('a spool in its spool folder becomes the copy without being copied', async () => {
    const target = open();
    const spools = await target.spoolFolder();
    const spool = await spoolIn(spools ?? '');
    const { location, keys } = await target.store(FIRST, spool, never);
    expect((await stat(location)).ino).toBe((await stat(spool.file)).ino);
    await rm(spool.file);
    expect(await target.present(keys)).toBe(true);
  });

  test('removing the last copy takes its empty folders, not the root', async () => {
    const { keys } = await store();
    const other = await store(SECOND);
    await open().remove(keys);
    expect(await tree()).toEqual(['.snapkeep-target', 'prod', dirname(SECOND.folder), SECOND.folder, ...other.keys.map(({ key }) => key)].sort());
    await open().remove(other.keys);
    expect(await tree()).toEqual(['.snapkeep-target']);
  });

  test('a foreign file survives sweep, removal and a refused source, with the folder it lies in', async () => {
    const { source, stored } = await underWay();
    const foreign = ['prod/notes.txt', `${FIRST.folder}/snapshot.db.bak`, `${FIRST.folder}/x.part`];
    for (const name of foreign) await writeFile(join(root, name), 'mine');
    source.refuse(new StepFailure('VERIFY', 'TRUNCATED', 'too short'));
    await expect(stored).rejects.toMatchObject({ code: 'TRUNCATED' });
    await open().remove((await store()).keys);
    await open().sweep(FIRST);
    expect((await tree()).filter((name) => name.includes('.'))).toEqual(expect.arrayContaining(foreign));
    expect(await tree()).toHaveLength(foreign.length + 4);
  });

  test('a copy that finds something in its way leaves that as it is', async () => {
    const { source, stored } = await underWay();
    await writeFile(join(root, FIRST.folder, 'manifest.json'), 'mine');
    source.verify();
    await expect(stored).rejects.toMatchObject({ code: 'COPY_EXISTS' });
    expect(await readFile(join(root, FIRST.folder, 'manifest.json'), 'utf8')).toBe('mine');
    expect(await readdir(join(root, FIRST.folder))).toEqual(['manifest.json']);
  });

  test("a sweep takes the attempt's spool too, and no other", async () => {
    const spools = await open().spoolFolder() ?? '';
    const [mine, other] = [spoolFile(spools, FIRST.folder), spoolFile(spools, SECOND.folder)];
    for (const file of [mine, other]) await writeFile(file, 'half');
    expect(await open().sweep(FIRST)).toBe(1);
    expect(await readdir(spools)).toEqual([other.slice(spools.length + 1)]);
  });

  test('a symbolic link is never followed out of the root', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'snapshot.db'), 'mine');
    await open().preflight(0);
    await mkdir(join(root, 'prod'));
    await symlink(outside, join(root, 'prod', 'link'));
    await symlink(join(outside, 'snapshot.db'), join(root, 'prod', 'snapshot.db'));
    const spool = await spoolIn(folder);
    const refusal = { code: 'KEY_INVALID' };
    await expect(open().read(unversioned('prod/link/snapshot.db'))).rejects.toMatchObject(refusal);
    await expect(open().read(unversioned('prod/snapshot.db'))).rejects.toMatchObject(refusal);
    await expect(open().remove([unversioned('prod/link/snapshot.db')])).rejects.toMatchObject(refusal);
    await expect(open().store({ folder: 'prod/link/1' }, spool, never)).rejects.toMatchObject(refusal);
    expect(await open().present([unversioned('prod/snapshot.db')])).toBe(false);
    expect(await readdir(outside)).toEqual(['snapshot.db']);
  });

  describe('its marker', () => {
    test('names target and node', async () => {
      await open().preflight(0);
      expect(JSON.parse(await readFile(join(root, '.snapkeep-target'), 'utf8'))).toEqual({ version: 1, targetId: 'local', node: 'node-1' });
    });

    test.each<[string, () => Promise<void>]>([
      ['the root is empty', async () => rm(join(root, '.snapkeep-target'))],
      ['the root is gone', async () => rename(root, `${root}-away`)],
    ])('missing because %s makes the target unavailable, and nothing is written', async (_, unmount) => {
      const { keys } = await store();
      await unmount();
      const [before, spool] = [await tree(dirname(root)), await spoolIn(folder)];
      const failure = { code: 'TARGET_UNAVAILABLE', message: expect.stringContaining('probably not mounted') };
      await expect(open().preflight(1)).rejects.toMatchObject({ step: 'PREFLIGHT', ...failure });
      await expect(open().spoolFolder()).rejects.toMatchObject(failure);
      await expect(open().store(SECOND, spool, never)).rejects.toMatchObject(failure);
      await expect(open().present(keys)).rejects.toMatchObject(failure);
      await expect(open().read(keys[0] ?? unversioned(''))).rejects.toMatchObject(failure);
      await expect(open().remove(keys)).rejects.toMatchObject({ step: 'REMOVE', ...failure });
      await expect(open().sweep(FIRST)).rejects.toMatchObject(failure);
      expect(await tree(dirname(root))).toEqual(before);
    });

    test('of the same target elsewhere is never made: what was stored would seem to be gone', async () => {
      const { keys } = await store();
      const moved = open({ root: join(folder, 'new-root') });
      const failure = { code: 'TARGET_FOREIGN', message: expect.stringContaining(`its copies on this node are at ${root}`) };
      await expect(moved.preflight(1)).rejects.toMatchObject(failure);
      await expect(moved.remove(keys)).rejects.toMatchObject({ step: 'REMOVE', ...failure });
      expect(await readdir(folder)).not.toContain('new-root');
      expect(await open().present(keys)).toBe(true);
    });

    test('is looked at again when the copy is committed', async () => {
      const { source, stored } = await underWay();
      await rename(root, `${root}-away`);
      source.verify();
      await expect(stored).rejects.toMatchObject({ step: 'COMMIT', code: 'TARGET_UNAVAILABLE' });
    });

    test.each([[{ targetId: 'other' }, "target 'other'"], [{ nodeId: 'node-2' }, "node 'node-2'"]])('of someone else refuses %j by name', async (owner, name) => {
      await store();
      const message = new RegExp(`belongs to target 'local' on node 'node-1', not to .*${name}`);
      await expect(open(owner).preflight(1)).rejects.toMatchObject({ code: 'TARGET_FOREIGN', message: expect.stringMatching(message) });
    });

    test('that is not readable as one is refused', async () => {
      await mkdir(root, { recursive: true });
      await writeFile(join(root, '.snapkeep-target'), 'v2');
      await expect(open().preflight(1)).rejects.toMatchObject({ code: 'TARGET_FOREIGN', message: expect.stringContaining('.snapkeep-target') });
    });

    test('without its record, after a crash between the two, is accepted and remembered', async () => {
      await store();
      await rm(join(folder, 'target-roots.json'));
      await open().preflight(1);
      await rm(join(root, '.snapkeep-target'));
      await expect(open().preflight(1)).rejects.toMatchObject({ code: 'TARGET_UNAVAILABLE' });
    });

    test('cannot be judged while the record is damaged', async () => {
      await store();
      await writeFile(join(folder, 'target-roots.json'), '{');
      await expect(open().preflight(1)).rejects.toMatchObject({ code: 'TARGET_UNAVAILABLE', message: expect.stringContaining('record of target roots') });
    });
  });

  test('a check that fails says what to do, and the ones behind it were not tried', async () => {
    await store();
    expect(await open().check(never)).toMatchObject([{ ok: true, message: root }, { ok: true }, { ok: true }, { ok: true }, { ok: true }]);
    expect(await tree()).toHaveLength(6);
    await rm(join(root, '.snapkeep-target'));
    const [first, ...others] = await open().check(never);
    expect(first).toMatchObject({ ok: false, message: expect.stringContaining('probably not mounted'), remedy: expect.stringContaining('Mount its disk') });
    expect(others.map(({ ok, message }) => [ok, message])).toEqual(others.map(() => [false, expect.stringMatching(/^not tried, because "exists/)]));
  });

  test('a disk with too little room is told with path, needed and free', async () => {
    const failure = { step: 'PREFLIGHT', code: 'DISK_FULL', message: expect.stringMatching(new RegExp(`${root} has \\d+ bytes free, and the snapshot needs 9\\d{14}`)) };
    await expect(open().preflight(900_000_000_000_000)).rejects.toMatchObject(failure);
    await expect(open().preflight(1)).resolves.toBeUndefined();
  });
});
