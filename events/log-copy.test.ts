// Copying a log into an embedded one and into EventStoreDB: the same facts, whatever interrupts it, and nothing over anybody else's.
// The command, its vaults and its being killed are tested in test/log-copy.test.ts.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setEventStoreDbScene } from '../test/eventstoredb-scene.js';
import { seededRandom } from '../test/seeded-random.js';
import { gather, pinned, pinnedMany } from './event-samples.contract.js';
import { openSqliteEventStore } from './event-store.sqlite.js';
import type { EventStore } from './event-store.js';
import { comparedLogs, copiedUntil, copyEvents } from './log-copy.js';

const memory = (): EventStore => openSqliteEventStore(':memory:');

async function copy(from: EventStore, to: EventStore): Promise<void> {
  await copyEvents(from, to, await copiedUntil(from, to), () => undefined);
}

async function factsOf(store: EventStore): Promise<unknown[]> {
  return (await gather(store.readAll())).map(({ position: _, ...fact }) => fact);
}

/** Streams that take turns, some events alone and some together. */
async function writeLog(store: EventStore, appends = 25): Promise<void> {
  const random = seededRandom(7);
  const revisions = new Map<string, number>();
  for (let n = 0; n < appends; n += 1) {
    const stream = random.pick(['cluster-a', 'cluster-b', 'target-c']) ?? '';
    const expected = revisions.get(stream) ?? 'none';
    const { revision } = await store.append(stream, expected, pinnedMany(1 + Math.floor(random.next() * 3), `${n}-`));
    revisions.set(stream, revision);
  }
}

/** Fails at the append of this number, before it is stored or after. */
function interruptedAt(store: EventStore, number: number, isStored: boolean): EventStore {
  let left = number;
  return {
    ...store,
    async append(...args) {
      left -= 1;
      if (left === 0 && !isStored) throw new Error('interrupted');
      const answer = await store.append(...args);
      if (left === 0) throw new Error('interrupted');
      return answer;
    },
  };
}

let from: EventStore;
beforeEach(() => {
  from = memory();
});
afterEach(() => from.close());

function copiesInto(kind: string, open: () => Promise<EventStore>): void {
  test(`${kind} gets the same facts in the same order`, async () => {
    await writeLog(from);
    const to = await open();
    await copy(from, to);
    expect(await factsOf(to)).toEqual(await factsOf(from));
    expect(await comparedLogs(from, to)).toEqual({ events: (await factsOf(from)).length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test(`${kind} that has all of it is left as it is`, async () => {
    await writeLog(from);
    const to = await open();
    await copy(from, to);
    const head = await to.head();
    await copy(from, to);
    expect(await to.head()).toBe(head);
  });

  test(`${kind} gets what was added since the last copy`, async () => {
    await writeLog(from, 3);
    const to = await open();
    await copy(from, to);
    await from.append('cluster-new', 'none', pinnedMany(250));
    await copy(from, to);
    expect(await factsOf(to)).toEqual(await factsOf(from));
  });

  test(`${kind} gets events that are too large for one append together`, async () => {
    await from.append('cluster-a', 'none', [pinned('x'.repeat(700_000))]);
    await from.append('cluster-a', 0, [pinned('y'.repeat(700_000))]);
    const to = await open();
    await copy(from, to);
    expect(await factsOf(to)).toEqual(await factsOf(from));
  });
}

describe('a log copied from SQLite', () => {
  copiesInto('SQLite', async () => memory());

  describe('into EventStoreDB', () => {
    const scene = setEventStoreDbScene();
    copiesInto('EventStoreDB', () => scene.open());

    test('is interrupted at any append, stored or not, and is whole when it has been begun again', async () => {
      await writeLog(from, 12);
      const facts = await factsOf(from);
      let interrupted = 0;
      for (let at = 1; at <= 12; at += 1) {
        for (const isStored of [false, true]) {
          const to = await scene.open({ namespace: `at-${at}-${isStored}-` });
          await copy(from, interruptedAt(to, at, isStored)).catch(() => { interrupted += 1; });
          await copy(from, to);
          expect(await factsOf(to)).toEqual(facts);
        }
      }
      expect(interrupted).toBeGreaterThan(10);
    });

    test('and answers that are lost are asked for again, which doubles nothing', async () => {
      await writeLog(from);
      const to = await scene.open();
      scene.server.loseAnswers(2);
      await copy(from, to);
      expect(await factsOf(to)).toEqual(await factsOf(from));
    });

    test('comes back into SQLite as it was', async () => {
      await writeLog(from);
      const [to, back] = [await scene.open(), memory()];
      await copy(from, to);
      await copy(to, back);
      expect(await comparedLogs(from, back)).toEqual(await comparedLogs(from, to));
    });
  });
});

test('interrupted anywhere and begun again after the source has grown, the copy is whole', async () => {
  for (let at = 1; at <= 20; at += 1) {
    const [source, to] = [memory(), memory()];
    await writeLog(source);
    await copy(source, interruptedAt(to, at, at % 2 === 0)).catch(() => undefined);
    await source.append('cluster-new', 'none', [pinned('late')]);
    await copy(source, to);
    expect(await factsOf(to)).toEqual(await factsOf(source));
  }
});

describe('refuses a target', () => {
  let to: EventStore;
  beforeEach(async () => {
    await writeLog(from);
    to = memory();
  });

  test('that holds another event in the place of one, and writes nothing', async () => {
    await to.append('cluster-z', 'none', [pinned('of somebody else')]);
    await expect(copy(from, to)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('revision 0 of cluster-z') });
    expect(await factsOf(to)).toHaveLength(1);
  });

  test('that holds the same event at another time', async () => {
    const [first] = await gather(from.readAll());
    if (!first) throw new Error('the log is empty');
    await to.append(first.stream, 'none', [{ ...first, time: '2020-01-01T00:00:00.000Z' }]);
    await expect(copiedUntil(from, to)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('that has gone on by itself since it was copied', async () => {
    await copy(from, to);
    await to.append('cluster-z', 'none', [pinned('a new one')]);
    await expect(copy(from, to)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(comparedLogs(from, to)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  test('that somebody writes to meanwhile', async () => {
    const after = await copiedUntil(from, to);
    const [first] = await gather(from.readAll());
    await to.append(first?.stream ?? '', 'none', [pinned('of somebody else')]);
    await expect(copyEvents(from, to, after, () => undefined)).rejects.toMatchObject({
      code: 'CONFIG_INVALID', message: expect.stringContaining('somebody else writes'),
    });
  });
});

test('an event that differs in nothing but its time shows in the comparison', async () => {
  const to = memory();
  const event = pinned('s');
  await from.append('cluster-a', 'none', [event]);
  await to.append('cluster-a', 'none', [{ ...event, time: '2020-01-01T00:00:00.000Z' }]);
  await expect(comparedLogs(from, to)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});
