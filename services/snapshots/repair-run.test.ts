// Repairs against a real ledger and real directories, with real bytes whose hash the ledger knows.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { ReadFacts, StoredCopyFact } from '../../events/cluster-events.js';
import { openSqliteEventStore } from '../../events/event-store.sqlite.js';
import type { EventStore } from '../../events/event-store.js';
import { plainEncoding } from '../../events/target-events.js';
import type { ClusterCommand } from '../ledger/cluster-commands.js';
import { type CommandHandler, createCommandHandler } from '../ledger/command-handler.js';
import { wholeSource } from '../targets/copy-source.fixture.js';
import { openTargetRoots } from '../targets/target-roots.js';
import { localTarget } from '../targets/target.local.js';
import type { Target } from '../targets/target.js';
import type { OpenRepair } from './open-repairs.js';
import { type RepairParts, runRepair } from './repair-run.js';
import { type SpoolRoom, createSpoolRoom } from './spool-room.js';
import { StepFailure } from './step-failure.js';

const now = '2026-11-23T06:00:00.000Z';
const database = Buffer.alloc(2_000_000, 'etcd');
const sha256 = createHash('sha256').update(database).digest();
const bytes = Buffer.concat([database, sha256]);
const facts: ReadFacts = {
  takenAt: now, revision: 9, keyCount: 3, dbSize: database.length, sha256: sha256.toString('hex'), etcdVersion: '3.5.0', member: 'm1', durationMs: 5,
};
const failure = { step: 'COMMIT', code: 'DISK_FULL', message: 'full' } as const;
const connection = { endpoints: ['http://127.0.0.1:1'], ca: null, clientCertificate: null, username: null, secretRef: null };
const context = { actor: 'test', correlationId: 'c', causationId: 'c' };
const never = new AbortController().signal;
const repair: OpenRepair = {
  clusterId: 'a', snapshotId: 'a.1', name: 'first', part: 'any', attempt: 1, facts, readBy: 'w1', storedOn: ['n1'], targetId: 'second', node: null, failures: 0, notBefore: 0,
};

let folder: string;
let store: EventStore;
let commands: CommandHandler;
let spools: SpoolRoom;
let stored: StoredCopyFact;

const directory = (targetId: string): Target => localTarget({
  targetId, nodeId: 'n1', root: join(folder, targetId), roots: openTargetRoots(join(folder, `${targetId}.json`)),
});
const execute = async (command: ClusterCommand): Promise<void> => {
  const executed = await commands.executeCluster('a', command, context);
  if (executed.outcome === 'rejected') throw new Error(executed.rejection.rejected.message);
};
const copyNow = async () => (await commands.clusterState('a')).snapshots.get('a.1')?.copies.find(({ targetId }) => targetId === 'second');

function partsWith(change: Partial<RepairParts> = {}, second: Target = directory('second')): RepairParts {
  const openTarget = async (id: string): Promise<Target> => (id === 'second' ? second : directory(id));
  const places = {
    openTarget, openForWriting: async (id: string) => ({ target: await openTarget(id), encoding: plainEncoding }), spoolFolder: folder,
    snapkeepVersion: 'test', onDefect: () => undefined,
  };
  return {
    commands, worker: 'w1', nodeId: 'n1', places, spools, stallMs: 10_000, repairPausesMs: [1000, 2000], now: () => now, log: pino({ level: 'silent' }), ...change,
  };
}

/** A snapshot that is stored on the target first and failed on second; `encoding` as its fact tells it. */
async function partial(encoding: StoredCopyFact['encoding'] = []): Promise<void> {
  const copy = await directory('first').store({ folder: 'a/first/1' }, wholeSource(bytes), never);
  stored = { targetId: 'first', node: null, storedOn: 'n1', ...copy, encoding, storedAt: now, verification: 'STRUCTURE_OK' };
  const policy = { targetIds: ['first', 'second'] };
  await execute({ type: 'RegisterCluster', clusterId: 'a', name: 'a', connection, legacy: false, policy, now });
  await execute({ type: 'RequestSnapshot', snapshotId: 'a.1', name: 'first', kind: 'MANUAL', slot: null, givenName: null, idempotencyKey: null, now });
  await execute({ type: 'StartAttempt', snapshotId: 'a.1', part: 'any', worker: 'w1', leaseMs: 1000, takeOver: null });
  const failedCopies = [{ targetId: 'second', node: null, failure }];
  await execute({ type: 'RecordPartTaken', snapshotId: 'a.1', part: 'any', attempt: 1, facts, copies: [stored], failedCopies });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'repair-'));
  store = openSqliteEventStore(join(folder, 'events.db'));
  commands = createCommandHandler({ store, now: () => now, newId: randomUUID });
  spools = createSpoolRoom(null);
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

describe('a copy that failed', () => {
  test('is made from the one that is stored, under keys of its own, with the same bytes', async () => {
    await partial();
    expect(await runRepair(partsWith(), repair, never)).not.toBeNull();
    const copy = await copyNow();
    expect(copy).toMatchObject({ state: 'STORED', stored: { keys: [{ key: 'a/first/1-repair-1-n1/snapshot.db' }, { key: 'a/first/1-repair-1-n1/manifest.json' }] } });
    expect((await readFile(copy?.stored?.location ?? '')).equals(bytes)).toBe(true);
    expect(copy?.stored?.storedSha256).toBe(stored.storedSha256);
  });

  test('is made from the kept spool where all that is stored is encrypted', async () => {
    await partial(['age']);
    const spooling = await spools.create({ folder: 'a/first/1', file: join(folder, 'kept.spool'), bytes: bytes.length });
    await writeFile(spooling.source.file, bytes);
    await spooling.close();
    spools.keep('a/first/1');
    await runRepair(partsWith(), repair, never);
    expect(await copyNow()).toMatchObject({ state: 'STORED', stored: { storedSha256: stored.storedSha256 } });
  });

  test('cannot be made where all that is stored is encrypted, and is given up by name', async () => {
    await partial(['zstd', 'age']);
    await runRepair(partsWith(), repair, never);
    expect(await copyNow()).toMatchObject({ state: 'FAILED', retryAfterMs: null, failure: { step: 'READ', code: 'COPY_ENCRYPTED' } });
  });

  test('is tried again after the next pause, as a fact, and given up when the pauses are used up', async () => {
    await partial();
    const full: Target = { ...directory('second'), store: async () => { throw new StepFailure('COMMIT', 'DISK_FULL', 'still full'); } };
    await runRepair(partsWith({}, full), repair, never);
    expect(await copyNow()).toMatchObject({ state: 'FAILED', retryAfterMs: 2000, failure: { code: 'DISK_FULL', message: 'still full' } });
    await runRepair(partsWith({}, full), { ...repair, failures: 1 }, never);
    expect(await copyNow()).toMatchObject({ retryAfterMs: null });
  });

  test('is never made from bytes that are not what etcd sent, and nothing of them stays', async () => {
    await partial();
    await appendFile(stored.location, 'x');
    await runRepair(partsWith(), repair, never);
    expect(await copyNow()).toMatchObject({ state: 'FAILED', failure: { step: 'READ', code: 'HASH_MISMATCH', message: expect.stringContaining(stored.location) } });
    expect(await readdir(join(folder, 'second'))).toEqual(['.snapkeep-target']);
  });

  test('replaces what a crash of the same repair left', async () => {
    await partial();
    await directory('second').store({ folder: 'a/first/1-repair-1-n1' }, wholeSource(Buffer.from('half')), never);
    await runRepair(partsWith(), repair, never);
    expect((await readFile((await copyNow())?.stored?.location ?? '')).equals(bytes)).toBe(true);
  });

  test('of a snapshot that is deleted meanwhile is withdrawn', async () => {
    await partial();
    const second = directory('second');
    const slow: Target = {
      ...second,
      store: async (...asked) => {
        const copy = await second.store(...asked);
        await execute({ type: 'DeleteSnapshot', snapshotId: 'a.1' });
        return copy;
      },
    };
    expect(await runRepair(partsWith({}, slow), repair, never)).toBeNull();
    expect(await copyNow()).toMatchObject({ state: 'FAILED' });
    expect(await readdir(join(folder, 'second'))).toEqual(['.snapkeep-target']);
  });

  test('is withdrawn where the target was retired meanwhile, and given up', async () => {
    await partial();
    const parts = partsWith();
    let opened = 0;
    const openForWriting: typeof parts.places.openForWriting = async (id) => {
      opened += 1;
      if (opened > 1) throw new StepFailure('PREFLIGHT', 'TARGET_RETIRED', 'second is retired');
      return parts.places.openForWriting(id);
    };
    await runRepair({ ...parts, places: { ...parts.places, openForWriting } }, repair, never);
    expect(await copyNow()).toMatchObject({ state: 'FAILED', retryAfterMs: null, failure: { code: 'TARGET_RETIRED' } });
    expect(await readdir(join(folder, 'second'))).toEqual(['.snapkeep-target']);
  });

  test('is left alone once it is stored, or while the service stops', async () => {
    await partial();
    const stopping = new AbortController();
    stopping.abort();
    expect(await runRepair(partsWith(), repair, stopping.signal)).toBeNull();
    expect(await copyNow()).toMatchObject({ state: 'FAILED', failure });
    await runRepair(partsWith(), repair, never);
    expect(await runRepair(partsWith(), repair, never)).toBeNull();
  });
});
