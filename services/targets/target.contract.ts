// What every target adapter must do, as tests to be registered by the adapter's own test file.
// Looks at copies through the port only; what they are on disk or in a bucket is tested beside the adapter.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { DATABASE_NAME, MANIFEST_NAME, parseManifest } from './manifest.js';
import type { Manifest } from './manifest.js';
import type { CopyPlace, SpooledSnapshot, StoredCopy, Target } from './target.js';

export interface TargetFixture {
  readonly target: Target;
  /** Writes a file as a spool would be. */
  spool(bytes: Buffer): Promise<SpooledSnapshot>;
  dispose(): Promise<void>;
}

export const FIRST: CopyPlace = { folder: 'prod/2026-11-23T10-00-00Z-a/1' };
export const SECOND: CopyPlace = { folder: 'prod/2026-11-23T10-00-00Z-a/2' };

export function manifestOf(spool: SpooledSnapshot): Manifest {
  return {
    version: 1, snapkeepVersion: '0.1.0', clusterId: 'prod', snapshotId: 'prod.01JDC', name: '2026-11-23T10-00-00Z-a', part: 'any', attempt: 1,
    takenAt: '2026-11-23T10:00:00.000Z', etcdVersion: '3.4.23', member: '8e9e05c52164694d', revision: 42, keyCount: 41,
    databaseSize: spool.size - 32, sha256: 'a'.repeat(64),
    stored: { file: DATABASE_NAME, size: spool.size, sha256: spool.sha256, encoding: [] },
  };
}

export function targetContract(name: string, arrange: () => Promise<TargetFixture>): void {
  describe(`target: ${name}`, () => {
    const content = Buffer.alloc(3_000_000, 'database');
    let fixture: TargetFixture;
    let target: Target;
    beforeEach(async () => {
      fixture = await arrange();
      target = fixture.target;
    });
    afterEach(() => fixture.dispose());

    const prepare = async (place: CopyPlace, bytes = content) => {
      const spool = await fixture.spool(bytes);
      return { spool, copy: await target.prepare(place, spool) };
    };
    const store = async (place: CopyPlace, bytes = content): Promise<StoredCopy> => {
      const { spool, copy } = await prepare(place, bytes);
      return copy.commit(manifestOf(spool));
    };
    const keysAt = ({ folder }: CopyPlace): string[] => [`${folder}/${DATABASE_NAME}`, `${folder}/${MANIFEST_NAME}`];
    const read = async (key: string): Promise<Buffer> => buffer(await target.read(key));
    const anyPresent = async (place: CopyPlace): Promise<boolean> =>
      (await Promise.all(keysAt(place).map((key) => target.present([key])))).includes(true);

    test('a committed copy reads as it was spooled, and its manifest says what it is', async () => {
      const stored = await store(FIRST);
      expect(stored).toMatchObject({
        keys: keysAt(FIRST), storedSize: content.length, storedSha256: createHash('sha256').update(content).digest('hex'),
      });
      expect(await target.present(stored.keys)).toBe(true);
      expect((await read(`${FIRST.folder}/${DATABASE_NAME}`)).equals(content)).toBe(true);
      const manifest = parseManifest((await read(`${FIRST.folder}/${MANIFEST_NAME}`)).toString());
      expect(manifest).toMatchObject({ snapshotId: 'prod.01JDC', stored: { size: content.length, sha256: stored.storedSha256 } });
    });

    test('nothing is there before the commit', async () => {
      await prepare(FIRST);
      expect(await anyPresent(FIRST)).toBe(false);
    });

    test('a copy outlives the spool it came from', async () => {
      const { spool, copy } = await prepare(FIRST);
      const stored = await copy.commit(manifestOf(spool));
      await rm(spool.path);
      expect((await read(stored.keys[0] ?? '')).equals(content)).toBe(true);
    });

    test.each(['prepared', 'committed'])('a %s copy can be withdrawn, also twice, and its place is free again', async (state) => {
      const { spool, copy } = await prepare(FIRST);
      if (state === 'committed') await copy.commit(manifestOf(spool));
      await copy.withdraw();
      await copy.withdraw();
      expect(await anyPresent(FIRST)).toBe(false);
      expect(await target.present((await store(FIRST)).keys)).toBe(true);
    });

    test('withdrawing one attempt leaves the other', async () => {
      const other = await store(SECOND);
      const { copy } = await prepare(FIRST);
      await copy.withdraw();
      expect(await target.present(other.keys)).toBe(true);
    });

    test('a place that holds a copy is refused, and the copy stays as it was', async () => {
      const stored = await store(FIRST);
      await expect(prepare(FIRST, Buffer.from('another'))).rejects.toMatchObject({ step: 'COMMIT', code: 'COPY_EXISTS' });
      expect((await read(stored.keys[0] ?? '')).equals(content)).toBe(true);
    });

    test('a copy that is prepared already is not prepared over', async () => {
      const { spool, copy } = await prepare(FIRST);
      await expect(prepare(FIRST, Buffer.from('another'))).rejects.toMatchObject({ code: 'COPY_EXISTS' });
      expect(await target.present((await copy.commit(manifestOf(spool))).keys)).toBe(true);
    });

    test('a manifest of another file is refused before anything is visible', async () => {
      const { spool, copy } = await prepare(FIRST);
      await expect(copy.commit(manifestOf({ ...spool, size: 1 }))).rejects.toMatchObject({ step: 'COMMIT' });
      expect(await anyPresent(FIRST)).toBe(false);
    });

    test('removing takes exactly the named keys and may be repeated', async () => {
      const [first, second] = [await store(FIRST), await store(SECOND)];
      await target.remove(first.keys);
      await target.remove(first.keys);
      expect(await anyPresent(FIRST)).toBe(false);
      expect(await target.present(second.keys)).toBe(true);
    });

    test('a copy is present only when all of it is', async () => {
      const { keys } = await store(FIRST);
      await target.remove(keys.slice(0, 1));
      expect(await target.present(keys)).toBe(false);
      expect(await target.present(keys.slice(1))).toBe(true);
    });

    test('reading what is not there is COPY_MISSING', async () => {
      await expect(target.read(`${FIRST.folder}/${DATABASE_NAME}`)).rejects.toMatchObject({ step: 'READ', code: 'COPY_MISSING' });
    });

    test.each(['prepared', 'committed'])('a sweep clears what a crash left of a %s attempt, and nothing of another', async (state) => {
      const other = await store(SECOND);
      const { spool, copy } = await prepare(FIRST);
      if (state === 'committed') await copy.commit(manifestOf(spool));
      expect(await target.sweep(FIRST)).toBeGreaterThan(0);
      expect(await target.sweep(FIRST)).toBe(0);
      expect(await anyPresent(FIRST)).toBe(false);
      expect(await target.present(other.keys)).toBe(true);
      expect(await target.present((await store(FIRST)).keys)).toBe(true);
    });

    test.each([
      '../outside', 'prod/../../outside', '/etc/passwd', 'prod//x', './x', '', 'prod/.', 'prod/x\0y', 'prod\\..\\x', '.snapkeep-target', `prod/${'x'.repeat(256)}`,
    ])('the key %j is refused by every operation', async (key) => {
      const refusal = { code: 'KEY_INVALID' };
      const spool = await fixture.spool(content);
      await expect(target.read(key)).rejects.toMatchObject(refusal);
      await expect(target.remove([key])).rejects.toMatchObject(refusal);
      await expect(target.present([key])).rejects.toMatchObject(refusal);
      await expect(target.prepare({ folder: key }, spool)).rejects.toMatchObject(refusal);
      await expect(target.sweep({ folder: key })).rejects.toMatchObject(refusal);
    });

    test('one bad key among good ones removes nothing', async () => {
      const { keys } = await store(FIRST);
      await expect(target.remove([...keys, '../x'])).rejects.toMatchObject({ code: 'KEY_INVALID' });
      expect(await target.present(keys)).toBe(true);
    });
  });
}
