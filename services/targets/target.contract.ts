// What every target adapter must do, as tests to be registered by the adapter's own test file.
// Looks at copies through the port only; what they are on disk or in a bucket is tested beside the adapter.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { buffer } from 'node:stream/consumers';
import type { StoredKey } from '../../events/cluster-events.js';
import { StepFailure } from '../snapshots/step-failure.js';
import { heldSource, readUpTo, sha256Of, wholeSource } from './copy-source.fixture.js';
import type { HeldSource } from './copy-source.fixture.js';
import type { CopySource } from './copy-source.js';
import { DATABASE_NAME, MANIFEST_NAME, parseManifest } from './manifest.js';
import type { CopyPlace, StoredCopy, Target } from './target.js';

export interface TargetFixture {
  readonly target: Target;
  /** Prefix of all keys: '' or one that ends in "/". */
  readonly prefix: string;
  /** A source of these bytes, all there and verified, in whatever form suits the adapter best. */
  source(bytes: Buffer): Promise<CopySource>;
  dispose(): Promise<void>;
}

export const FIRST: CopyPlace = { folder: 'prod/2026-11-23T10-00-00Z-a/1' };
export const SECOND: CopyPlace = { folder: 'prod/2026-11-23T10-00-00Z-a/2' };
const FOREIGN_KEYS = [
  '../outside', 'prod/../../outside', '/etc/passwd', 'prod//x', './x', '', 'prod/.', 'prod/x\0y', 'prod\\..\\x', '.snapkeep-target', `prod/${'x'.repeat(256)}`,
];

export const unversioned = (key: string): StoredKey => ({ key, versionId: null });
const refusal = new StepFailure('VERIFY', 'HASH_MISMATCH', 'not what etcd sent');
const never = new AbortController().signal;

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

    const store = async (place: CopyPlace, bytes = content): Promise<StoredCopy> => target.store(place, await fixture.source(bytes), never);
    const keysAt = ({ folder }: CopyPlace): string[] => [DATABASE_NAME, MANIFEST_NAME].map((file) => `${fixture.prefix}${folder}/${file}`);
    const read = async (key: StoredKey | undefined): Promise<Buffer> => buffer(await target.read(key ?? unversioned('missing')));
    const anyPresent = async (place: CopyPlace): Promise<boolean> =>
      (await Promise.all(keysAt(place).map((key) => target.present([unversioned(key)])))).includes(true);
    /** Half of the bytes have come, and the target has taken them. */
    const halfStored = async (place: CopyPlace, signal = never): Promise<{ source: HeldSource; stored: Promise<StoredCopy> }> => {
      const source = heldSource(content.length);
      const stored = target.store(place, source, signal);
      stored.catch(() => undefined);
      source.feed(content.subarray(0, 1_500_000));
      await readUpTo(source, 1_500_000);
      return { source, stored };
    };

    test('a copy reads as it came, and its manifest says what it is', async () => {
      const stored = await store(FIRST);
      expect(stored.keys.map(({ key }) => key)).toEqual(keysAt(FIRST));
      expect(stored).toMatchObject({ storedSize: content.length, storedSha256: sha256Of(content) });
      expect(await target.present(stored.keys)).toBe(true);
      expect((await read(stored.keys[0])).equals(content)).toBe(true);
      const manifest = parseManifest((await read(stored.keys[1])).toString());
      expect(manifest).toMatchObject({
        snapshotId: 'prod.01JDC', stored: { file: DATABASE_NAME, size: content.length, sha256: stored.storedSha256, encoding: [] },
      });
    });

    test('a copy of an encoded source is named after what was done to it', async () => {
      const stored = await target.store(FIRST, wholeSource(content, { encoding: ['zstd', 'age'] }), never);
      expect(stored.keys[0]?.key).toBe(`${fixture.prefix}${FIRST.folder}/snapshot.db.zst.age`);
      expect(stored.location.endsWith('/snapshot.db.zst.age')).toBe(true);
      const manifest = parseManifest((await read(stored.keys[1])).toString());
      expect(manifest.stored).toEqual({ file: 'snapshot.db.zst.age', size: content.length, sha256: sha256Of(content), encoding: ['zstd', 'age'] });
      await target.remove(stored.keys);
      expect(await target.sweep(FIRST)).toBe(0);
    });

    test.each([0, 1, 32, 5 * 1024 * 1024, 16 * 1024 * 1024 + 1])('a file of %i bytes is stored whole', async (size) => {
      const bytes = Buffer.alloc(size, 'x');
      const stored = await store(FIRST, bytes);
      expect(stored).toMatchObject({ storedSize: size, storedSha256: sha256Of(bytes) });
      expect((await read(stored.keys[0])).equals(bytes)).toBe(true);
    });

    test('nothing is there before the source is verified', async () => {
      const { source, stored } = await halfStored(FIRST);
      source.feed(content.subarray(1_500_000));
      await readUpTo(source, content.length);
      expect(await anyPresent(FIRST)).toBe(false);
      source.verify();
      expect((await stored).storedSha256).toBe(sha256Of(content));
      expect(await anyPresent(FIRST)).toBe(true);
    });

    test('a source that is refused leaves nothing, and its place is free again', async () => {
      const { source, stored } = await halfStored(FIRST);
      source.refuse(refusal);
      await expect(stored).rejects.toBe(refusal);
      expect(await anyPresent(FIRST)).toBe(false);
      expect(await target.sweep(FIRST)).toBe(0);
      expect(await target.present((await store(FIRST)).keys)).toBe(true);
    });

    test('what is cancelled leaves nothing', async () => {
      const cancelling = new AbortController();
      const { stored } = await halfStored(FIRST, cancelling.signal);
      cancelling.abort();
      await expect(stored).rejects.toBeDefined();
      expect(await anyPresent(FIRST)).toBe(false);
      expect(await target.sweep(FIRST)).toBe(0);
    });

    test('a place that holds a copy is refused, and the copy stays as it was', async () => {
      const stored = await store(FIRST);
      await expect(store(FIRST, Buffer.from('another'))).rejects.toMatchObject({ step: 'COMMIT', code: 'COPY_EXISTS' });
      expect((await read(stored.keys[0])).equals(content)).toBe(true);
      expect(await target.present(stored.keys)).toBe(true);
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
      const missing = unversioned(`${fixture.prefix}${FIRST.folder}/${DATABASE_NAME}`);
      await expect(target.read(missing)).rejects.toMatchObject({ step: 'READ', code: 'COPY_MISSING' });
    });

    test('a sweep clears what a crash left of an attempt, and nothing of another', async () => {
      const other = await store(SECOND);
      await store(FIRST);
      expect(await target.sweep(FIRST)).toBeGreaterThan(0);
      expect(await target.sweep(FIRST)).toBe(0);
      expect(await anyPresent(FIRST)).toBe(false);
      expect(await target.present(other.keys)).toBe(true);
      expect(await target.present((await store(FIRST)).keys)).toBe(true);
    });

    test.each(FOREIGN_KEYS)('the key %j is refused by every operation', async (key) => {
      const invalid = { code: 'KEY_INVALID' };
      await expect(target.read(unversioned(key))).rejects.toMatchObject(invalid);
      await expect(target.remove([unversioned(key)])).rejects.toMatchObject(invalid);
      await expect(target.present([unversioned(key)])).rejects.toMatchObject(invalid);
      await expect(target.store({ folder: key }, wholeSource(content), never)).rejects.toMatchObject(invalid);
      await expect(target.sweep({ folder: key })).rejects.toMatchObject(invalid);
    });

    test('one bad key among good ones removes nothing', async () => {
      const { keys } = await store(FIRST);
      await expect(target.remove([...keys, unversioned('../x')])).rejects.toMatchObject({ code: 'KEY_INVALID' });
      expect(await target.present(keys)).toBe(true);
    });

    test('a target that works passes every check, says so, and keeps nothing of them', async () => {
      const checks = await target.check(never);
      expect(checks.length).toBeGreaterThan(3);
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(checks.filter(({ remedy }) => remedy !== null)).toEqual([]);
    });
  });
}
