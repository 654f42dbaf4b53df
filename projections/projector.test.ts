// The projector on real stores: what it shows, that a rebuild shows the same, and how it stops.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DomainEvent } from '../events/catalogue.js';
import type { EventStore } from '../events/event-store.js';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import {
  cluster, copy, directoryCreated, newEvent, policy, positionAt, progressed, pruned, registered, requested, snapshotId, started, stored, streamOf, taken,
} from './event-samples.fixture.js';
import { createProjector } from './projector.js';
import type { Projector } from './projector.js';
import { batchSize } from './projector-batch.js';
import type { ReadStore } from './read-store.js';
import { openSqliteReadStore } from './read-store.sqlite.js';

const whole: readonly DomainEvent[] = [
  registered, policy, directoryCreated,
  requested(), started(), progressed(10, 4096), progressed(2048, 4096), ...taken({ copies: [copy('local'), copy('nas')] }), ...pruned('nas'),
];

describe('the projector', () => {
  let folder: string;
  let store: EventStore;
  let readStore: ReadStore;
  let appended: number;
  let stops: (() => Promise<void>)[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'snapkeep-projector-'));
    store = openSqliteEventStore(join(folder, 'events.db'));
    readStore = openRead();
    appended = 0;
    stops = [];
  });
  afterEach(async () => {
    for (const stop of stops) await stop();
    await readStore.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const openRead = (name = 'read.db', eventStoreId = store.id): ReadStore =>
    openSqliteReadStore(join(folder, name), { eventStoreId, localPath: '/var/snapshots' });

  const append = async (...events: readonly DomainEvent[]): Promise<void> => {
    for (const event of events) {
      const revisions = [];
      for await (const { revision } of store.readStream(streamOf(event))) revisions.push(revision);
      await store.append(streamOf(event), revisions.at(-1) ?? 'none', [newEvent(event, appended += 1)]);
    }
  };
  const begin = (into = readStore, from = store): { projector: Projector; stop: () => Promise<void> } => {
    const projector = createProjector({ store: from, readStore: into });
    const end = new AbortController();
    const run = projector.run(end.signal);
    const stop = async (): Promise<void> => {
      end.abort();
      await run;
    };
    stops.push(stop);
    return { projector, stop };
  };
  const everything = async (of: ReadStore): Promise<string> => JSON.stringify([
    await of.checkpoint(), await of.clusters({ first: 10 }), await of.targets(), await of.snapshots({ clusterId: cluster, first: 10 }),
    await of.countSnapshots(cluster), await of.history({ clusterId: cluster, first: 100 }), await of.lastVerifiedAt([cluster]).then((map) => [...map]),
  ]);

  test('shows what is in the log and what comes later', async () => {
    await append(registered, requested());
    const { projector } = begin();
    expect(await projector.waitFor(positionAt(2), 10_000)).toBe(true);
    expect(await readStore.snapshot(snapshotId)).toMatchObject({ state: 'REQUESTED' });
    await append(started());
    expect(await projector.waitFor(positionAt(3), 10_000)).toBe(true);
    expect(await readStore.snapshot(snapshotId)).toMatchObject({ state: 'RUNNING' });
    expect(projector.state()).toMatchObject({ running: true, caughtUp: true, checkpoint: positionAt(3), failure: null });
  });

  test('tells its listeners each checkpoint until they leave', async () => {
    const { projector } = begin();
    const seen: string[] = [];
    const leave = projector.onCheckpoint((checkpoint) => seen.push(checkpoint));
    await append(registered);
    await projector.waitFor(positionAt(1), 10_000);
    leave();
    await append(policy);
    await projector.waitFor(positionAt(2), 10_000);
    expect(seen).toEqual([positionAt(1)]);
  });

  test('gives up waiting for what does not come', async () => {
    const { projector, stop } = begin();
    expect(await projector.waitFor(positionAt(1), 1)).toBe(false);
    const waiting = projector.waitFor(positionAt(1), 3_600_000);
    await stop();
    expect(await waiting).toBe(false);
  });

  test('a rebuild from zero gives the same rows, byte by byte, as following event by event', async () => {
    const { projector, stop } = begin();
    for (const [index, event] of whole.entries()) {
      await append(event);
      await projector.waitFor(positionAt(index + 1), 10_000);
    }
    await stop();
    const rebuilt = openRead('rebuilt.db');
    const second = begin(rebuilt);
    await second.projector.waitFor(positionAt(whole.length), 10_000);
    await second.stop();
    const [live, again] = [await everything(readStore), await everything(rebuilt)];
    await rebuilt.close();
    expect(again).toBe(live);
  });

  test('a commit that was made but not learnt of is not applied twice', async () => {
    await append(...whole);
    const forgetful: ReadStore = {
      ...readStore,
      commit: async (changes, expected, checkpoint) => {
        await readStore.commit(changes, expected, checkpoint);
        throw new Error('killed behind the commit');
      },
    };
    const crashed = begin(forgetful);
    await crashed.projector.waitFor(positionAt(whole.length), 10_000);
    expect(crashed.projector.state()).toMatchObject({ running: false, failure: { code: 'STORE_CORRUPT' } });
    await readStore.close();
    readStore = openRead();
    expect(await readStore.checkpoint()).toBe(positionAt(whole.length));
    const { projector } = begin();
    await append({ type: 'SnapshotPinned', data: { snapshotId } });
    expect(await projector.waitFor(positionAt(whole.length + 1), 10_000)).toBe(true);
    expect(await readStore.countSnapshots(cluster)).toBe(1);
    expect((await readStore.history({ clusterId: cluster, first: 100 })).rows).toHaveLength(whole.length - 2);
  });

  test('a crash before the commit loses nothing', async () => {
    await append(...whole);
    const crashed = begin({ ...readStore, commit: () => Promise.reject(new Error('killed before the commit')) });
    await crashed.projector.waitFor(positionAt(1), 10_000);
    expect(crashed.projector.state().failure?.message).toMatch(/killed before the commit; .* restart/);
    expect(await readStore.checkpoint()).toBeNull();
    const { projector } = begin();
    expect(await projector.waitFor(positionAt(whole.length), 10_000)).toBe(true);
    expect(await readStore.snapshot(snapshotId)).toMatchObject({ state: 'TAKEN' });
  });

  test('two projectors on one read store count nothing twice', async () => {
    const [a, b] = [begin(), begin()];
    await append(...whole);
    await Promise.all([a, b].map(({ projector }) => projector.waitFor(positionAt(whole.length), 10_000)));
    expect(await readStore.countSnapshots(cluster)).toBe(1);
    expect([a.projector.state().failure, b.projector.state().failure]).toEqual([null, null]);
  });

  test('stops by name at an event that does not decode, and shows everything before it', async () => {
    await append(registered, policy);
    await store.close();
    const db = new DatabaseSync(join(folder, 'events.db'));
    const table = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%position%'").get()?.['name'];
    db.exec(`UPDATE ${String(table)} SET data = '{}' WHERE type = 'PolicyUpdated'`);
    db.close();
    store = openSqliteEventStore(join(folder, 'events.db'));
    const { projector } = begin();
    expect(await projector.waitFor(positionAt(2), 10_000)).toBe(false);
    expect(projector.state()).toMatchObject({ running: false, checkpoint: positionAt(1), failure: { code: 'EVENT_UNDECODABLE' } });
    expect(await readStore.cluster(cluster)).toMatchObject({ policy: null });
  });

  // A rejection that nobody handles fails the test.
  test.each([
    ['a full batch', batchSize, false], ['the end of the log', 1, true],
  ])('stops by name where following fails behind %s while a commit runs', async (_, count, caughtUp) => {
    const events = stored(Array.from({ length: count }, () => registered));
    const failing: EventStore = {
      ...store,
      async* follow() {
        for (const event of events) yield { kind: 'event', event };
        if (caughtUp) yield { kind: 'caught-up' };
        throw new Error('the disk failed');
      },
    };
    const slow: ReadStore = {
      ...readStore,
      async commit(...given) {
        await new Promise((resolve) => { setImmediate(resolve); });
        return readStore.commit(...given);
      },
    };
    const { projector } = begin(slow, failing);
    expect(await projector.waitFor(positionAt(count + 1), 10_000)).toBe(false);
    expect(projector.state()).toMatchObject({ running: false, checkpoint: positionAt(count), failure: { message: expect.stringContaining('the disk failed') } });
  });

  test('refuses a checkpoint behind the end of the log', async () => {
    await append(registered);
    await readStore.commit({ clusters: [], targets: [], snapshots: [], history: [] }, null, positionAt(9));
    const { projector } = begin();
    expect(await projector.waitFor(positionAt(10), 10_000)).toBe(false);
    expect(projector.state().failure).toMatchObject({ code: 'POSITION_FOREIGN', message: expect.stringContaining('delete the read store') });
  });

  test('shows another log from its start', async () => {
    await append(...whole);
    const first = begin();
    await first.projector.waitFor(positionAt(whole.length), 10_000);
    await first.stop();
    await readStore.close();
    readStore = openRead('read.db', 'another');
    expect([await readStore.checkpoint(), await readStore.cluster(cluster)]).toEqual([null, null]);
    expect(await readStore.target('local')).toMatchObject({ path: '/var/snapshots' });
  });
});
