import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Encoding, plainEncoding } from '../../events/target-events.js';
import { SnapkeepError } from '../../events/errors.js';
import { heldSource, readUpTo, wholeSource } from '../targets/copy-source.fixture.js';
import type { OpenTarget } from '../targets/target-registry.js';
import { openTargetRoots } from '../targets/target-roots.js';
import { localTarget } from '../targets/target.local.js';
import type { Target } from '../targets/target.js';
import { type CopyPlaces, openPlaces } from './copy-places.js';
import { type CopyRound, storeCopies, withdrawCopies } from './copy-round.js';
import type { OpenPart } from './open-work.js';
import { StepFailure } from './step-failure.js';

const bytes = Buffer.from('data');
const round: CopyRound = { signal: new AbortController().signal, stallMs: 10_000, pausesMs: [10, 20], part: 'any', now: () => '2026-11-23T06:00:00.000Z' };

let folder: string;
let defects: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'copies-'));
  defects = [];
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
    store: async (...asked) => {
      left -= 1;
      if (left >= 0) throw new StepFailure('COMMIT', 'DISK_FAILED', `${targetId} failed`);
      return target.store(...asked);
    },
  };
};
const hanging = (targetId: string): Target => ({ ...directory(targetId), store: () => Promise.withResolvers<never>().promise });
const unavailable = (targetId: string): Target => ({
  ...directory(targetId), preflight: async () => { throw new StepFailure('PREFLIGHT', 'TARGET_UNAVAILABLE', `${targetId} is not mounted`); },
});

function placesOf(...targets: Target[]): CopyPlaces {
  const find = async (id: string): Promise<Target> => {
    const target = targets.find(({ targetId }) => targetId === id);
    if (!target) throw new Error(id);
    return target;
  };
  const openForWriting = async (id: string): Promise<OpenTarget> => ({ target: await find(id), encoding: plainEncoding });
  return { openForWriting, openTarget: find, spoolFolder: folder, snapkeepVersion: 'test', onDefect: (targetId) => defects.push(targetId) };
}

async function opened(...targets: Target[]) {
  const part: OpenPart = {
    clusterId: 'a', snapshotId: 'a.1', name: 'first', part: 'any', targetIds: targets.map(({ targetId }) => targetId),
    attempt: 0, claimedBy: null, leaseMs: 0, sign: { revision: -1, seenAt: 0 }, tried: [], notBefore: 0, openSince: 0,
  };
  const places = placesOf(...targets);
  return { places, open: await openPlaces(places, { ...part, attempt: 1 }, bytes.length) };
}

async function stored(...targets: Target[]) {
  const { places, open } = await opened(...targets);
  return { places, outcome: await storeCopies(open, wholeSource(bytes), round) };
}

describe('the copies of an attempt', () => {
  test('are stored on each target, and withdrawn from each', async () => {
    const { places, outcome } = await stored(directory('one'), directory('two'));
    expect(outcome).toMatchObject({
      copies: [{ targetId: 'one', encoding: [], verification: 'STRUCTURE_OK' }, { targetId: 'two', storedAt: round.now() }], failedCopies: [],
    });
    await withdrawCopies(places, outcome.copies);
    for (const { targetId, keys } of outcome.copies) expect(await (await places.openTarget(targetId)).present(keys)).toBe(false);
  });

  test('are spooled on the disk of a target only where it is the only one and takes the bytes as they are', async () => {
    const spooledIn = async (encoding: Encoding, ...targets: Target[]): Promise<string> => {
      const places = { ...placesOf(...targets), openForWriting: async (id: string) => ({ target: await placesOf(...targets).openTarget(id), encoding }) };
      const attempt = { clusterId: 'a', name: 'first', part: 'any', attempt: 1, targetIds: targets.map(({ targetId }) => targetId) };
      return dirname((await openPlaces(places, attempt, bytes.length)).spoolFile);
    };
    expect(await spooledIn(plainEncoding, directory('one'))).toBe(join(folder, 'one', '.snapkeep-spool'));
    expect(await spooledIn(plainEncoding, directory('one'), directory('two'))).toBe(folder);
    expect(await spooledIn({ ...plainEncoding, compression: 'ZSTD' }, directory('one'))).toBe(folder);
  });

  test('are tried three times', async () => {
    expect((await stored(failing('one', 2))).outcome.copies).toMatchObject([{ targetId: 'one' }]);
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

  test('that end in an error that nobody foresaw cost their own target only, and it is told for the log', async () => {
    const broken = { ...directory('two'), store: () => Promise.reject(new TypeError('x is not a function')) };
    const { outcome } = await stored(directory('one'), broken);
    expect(outcome.failedCopies).toMatchObject([{ targetId: 'two', failure: { code: 'UNEXPECTED' } }]);
    expect(defects).toEqual(['two']);
  });

  test('do not fail because a store of Snapkeep\'s own is away', async () => {
    const away = new SnapkeepError('STORE_UNAVAILABLE', 'Vault in MongoDB: gone');
    await expect(stored(directory('one'), { ...directory('two'), preflight: () => Promise.reject(away) })).rejects.toBe(away);
  });

  test('that hang are let go after the bound and not tried again beside what may still end, while the others are stored', async () => {
    let tries = 0;
    const one: Target = { ...hanging('one'), store: () => { tries += 1; return Promise.withResolvers<never>().promise; } };
    const { open } = await opened(one, directory('two'));
    const outcome = await storeCopies(open, wholeSource(bytes), { ...round, stallMs: 1_000 });
    expect(tries).toBe(1);
    expect(outcome).toMatchObject({ copies: [{ targetId: 'two' }], failedCopies: [{ targetId: 'one', failure: { code: 'COPY_STALLED' } }] });
  });

  test('do not wait for one another: a target is as far as the source while another has taken nothing', async () => {
    await mkdir(join(folder, 'two'));
    const { open } = await opened(hanging('one'), directory('two'));
    const source = heldSource(bytes.length);
    const storing = storeCopies(open, source, { ...round, stallMs: 1_000 });
    source.feed(bytes);
    await readUpTo(source, bytes.length);
    source.verify();
    expect((await storing).copies).toMatchObject([{ targetId: 'two' }]);
  });

  test('cannot begin when no target is there: the first failure is the reason', async () => {
    await expect(stored(unavailable('one'), unavailable('two'))).rejects.toMatchObject({ message: 'one is not mounted' });
  });

  test('that are cancelled are not tried again, and leave nothing', async () => {
    const cancelling = new AbortController();
    const { open } = await opened(directory('one'));
    const source = heldSource(bytes.length);
    const storing = storeCopies(open, source, { ...round, signal: cancelling.signal });
    source.feed(bytes);
    await readUpTo(source, bytes.length);
    const reason = new StepFailure('CLAIM', 'SUPERSEDED', 'another attempt goes on');
    cancelling.abort(reason);
    await expect(storing).rejects.toBe(reason);
    expect((await readdir(join(folder, 'one'), { recursive: true })).filter((name) => name.includes('snapshot.db'))).toEqual([]);
  });
});
