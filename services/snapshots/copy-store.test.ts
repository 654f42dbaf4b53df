import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ReadFacts } from '../../events/cluster-events.js';
import { openTargetRoots } from '../targets/target-roots.js';
import { localTarget } from '../targets/target.local.js';
import type { Target } from '../targets/target.js';
import { openPlaces, storeCopies, withdrawCopies } from './copy-store.js';
import type { CopyPlaces, VerifiedRead } from './copy-store.js';
import type { OpenPart } from './open-work.js';
import { StepFailure } from './step-failure.js';

const sha256 = 'a'.repeat(64);
const facts: ReadFacts = {
  takenAt: '2026-11-23T06:00:00.000Z', revision: 9, keyCount: 3, dbSize: 4, sha256, etcdVersion: '3.5.0', member: 'm1', durationMs: 5,
};

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'copies-'));
});
afterEach(() => rm(folder, { recursive: true }));

const directory = (targetId: string): Target => localTarget({
  targetId, nodeId: 'n1', root: join(folder, targetId), roots: openTargetRoots(join(folder, `${targetId}.json`)),
});
const failing = (targetId: string, times: number): Target => {
  let left = times;
  const target = directory(targetId);
  return {
    ...target,
    prepare: async (place, spool) => {
      left -= 1;
      if (left >= 0) throw new StepFailure('COMMIT', 'DISK_FAILED', `${targetId} failed`);
      return target.prepare(place, spool);
    },
  };
};
const unavailable = (targetId: string): Target => ({
  ...directory(targetId), preflight: async () => { throw new StepFailure('PREFLIGHT', 'TARGET_UNAVAILABLE', `${targetId} is not mounted`); },
});

function placesOf(...targets: Target[]): CopyPlaces {
  const find = async (id: string): Promise<Target> => {
    const target = targets.find(({ targetId }) => targetId === id);
    if (!target) throw new Error(id);
    return target;
  };
  return { openForWriting: find, openTarget: find, spoolFolder: folder, snapkeepVersion: 'test' };
}

async function stored(...targets: Target[]) {
  const part: OpenPart = {
    clusterId: 'a', snapshotId: 'a.1', name: 'first', part: 'any', targetIds: targets.map(({ targetId }) => targetId),
    attempt: 0, claimedBy: null, leaseMs: 0, sign: { revision: -1, seenAt: 0 }, tried: [], notBefore: 0,
  };
  const places = placesOf(...targets);
  const open = await openPlaces(places, part, 1, 4);
  await writeFile(open.spoolFile, 'data');
  const spooled = { databaseSize: 4, fileSize: 4, sha256, storedSha256: sha256, keyCount: 3, revision: 9 };
  const read: VerifiedRead = { part, attempt: 1, facts, spooled, storedAt: facts.takenAt };
  return { places, outcome: await storeCopies(places, open, read) };
}

describe('the copies of an attempt', () => {
  test('are stored on each target, and withdrawn from each', async () => {
    const { places, outcome } = await stored(directory('one'), directory('two'));
    expect(outcome).toMatchObject({ copies: [{ targetId: 'one' }, { targetId: 'two' }], failedCopies: [] });
    await withdrawCopies(places, outcome.copies);
    for (const { targetId, keys } of outcome.copies) expect(await (await places.openTarget(targetId)).present(keys)).toBe(false);
  });

  test('are tried three times', async () => {
    expect((await stored(failing('one', 2))).outcome.copies).toMatchObject([{ targetId: 'one', verification: 'STRUCTURE_OK' }]);
    await expect(stored(failing('two', 3))).rejects.toMatchObject({ code: 'DISK_FAILED' });
  });

  test('that fail cost their own target only, before the read as after it', async () => {
    const { outcome } = await stored(directory('one'), unavailable('two'), failing('three', 3));
    expect(outcome.copies).toMatchObject([{ targetId: 'one' }]);
    expect(outcome.failedCopies).toMatchObject([
      { targetId: 'two', failure: { step: 'PREFLIGHT', code: 'TARGET_UNAVAILABLE' } },
      { targetId: 'three', failure: { step: 'COMMIT', code: 'DISK_FAILED' } },
    ]);
  });

  test('cannot begin when no target is there: the first failure is the reason', async () => {
    await expect(stored(unavailable('one'), unavailable('two'))).rejects.toMatchObject({ message: 'one is not mounted' });
  });
});
