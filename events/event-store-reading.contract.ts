// The part of the event store contract that reads: streams, the whole log, following, and opening again.
// Registered by event-store.contract.ts, not by adapters.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { gather, label, nameOf, names, pinned, pinnedMany } from './event-samples.contract.js';
import type { EventStore, Followed } from './event-store.js';

/** `opened` gives the empty store of the running test, `reopen` closes it and opens the same log again. */
export function describeReading(opened: () => EventStore, reopen: () => Promise<EventStore>): void {
  let store: EventStore;
  let stop: AbortController;
  beforeEach(() => {
    store = opened();
    stop = new AbortController();
  });
  afterEach(() => stop.abort());
  const follow = (after?: string): AsyncIterator<Followed> => store.follow({ after, signal: stop.signal })[Symbol.asyncIterator]();
  const take = async (followed: AsyncIterator<Followed>, count: number): Promise<string[]> => {
    const taken: string[] = [];
    while (taken.length < count) {
      const { done, value } = await followed.next();
      taken.push(done ? 'end' : label(value));
    }
    return taken;
  };

  describe('reading', () => {
    test('a missing stream and an empty log give nothing', async () => {
      expect([await names(store.readStream('cluster-a')), await names(store.readAll()), await store.head()]).toEqual([[], [], null]);
    });

    test('a stream starts at any revision', async () => {
      await store.append('cluster-a', 'none', pinnedMany(4));
      await store.append('cluster-ab', 'none', [pinned('other')]);
      expect(await names(store.readStream('cluster-a', 2))).toEqual(['s2', 's3']);
      expect(await names(store.readStream('cluster-a', 4))).toEqual([]);
    });

    test('the log has one order across streams, in which positions sort as text', async () => {
      for (let n = 0; n < 12; n += 1) {
        await store.append(`cluster-${n % 3}`, n < 3 ? 'none' : Math.floor(n / 3) - 1, [pinned(`s${n}`)]);
      }
      const all = await gather(store.readAll());
      expect(all.map(nameOf)).toEqual(Array.from({ length: 12 }, (_, n) => `s${n}`));
      expect(all.map((event) => event.position).sort()).toEqual(all.map((event) => event.position));
      expect(new Set(all.map((event) => event.position)).size).toBe(12);
      expect(await names(store.readAll(all[4]?.position))).toEqual(all.slice(5).map(nameOf));
      expect(await names(store.readAll(all[11]?.position))).toEqual([]);
    });

    test('readAll ends at what was the end when it was called', async () => {
      await store.append('cluster-a', 'none', pinnedMany(3));
      const seen: string[] = [];
      for await (const event of store.readAll()) {
        seen.push(nameOf(event));
        await store.append('cluster-a', 1 + seen.length, [pinned(`late${seen.length}`)]);
      }
      expect(seen).toEqual(['s0', 's1', 's2']);
    });

    test.each(['', '12', 'C:1/P:1', '99999999999999999999'])('the foreign position %j is refused', async (position) => {
      await store.append('cluster-a', 'none', pinnedMany(1));
      await expect(async () => gather(store.readAll(position))).rejects.toMatchObject({ code: 'POSITION_FOREIGN' });
      await expect(async () => take(follow(position), 1)).rejects.toMatchObject({ code: 'POSITION_FOREIGN' });
    });
  });

  describe('following', () => {
    test('hands out what is there, says caught-up, then goes on with what comes', async () => {
      await store.append('cluster-a', 'none', pinnedMany(2));
      const followed = follow();
      expect(await take(followed, 3)).toEqual(['s0', 's1', 'caught-up']);
      const next = take(followed, 2);
      await store.append('cluster-b', 'none', [pinned('b0')]);
      await store.append('cluster-a', 1, [pinned('a2')]);
      expect(await next).toEqual(['b0', 'a2']);
    });

    test('an empty log is caught up at once', async () => {
      const followed = follow();
      expect(await take(followed, 1)).toEqual(['caught-up']);
      await store.append('cluster-a', 'none', [pinned('s')]);
      expect(await take(followed, 1)).toEqual(['s']);
    });

    test('goes on behind a position, also after the log was opened again', async () => {
      const { position } = await store.append('cluster-a', 'none', pinnedMany(3));
      await store.append('cluster-a', 2, [pinned('later')]);
      store = await reopen();
      expect(await take(follow(position), 2)).toEqual(['later', 'caught-up']);
    });

    test('a slow consumer and a fast one get every event once and in order', async () => {
      const [slow, fast] = [follow(), follow()];
      expect(await take(slow, 1)).toEqual(['caught-up']);
      expect(await take(fast, 1)).toEqual(['caught-up']);
      const expected: string[] = [];
      for (let n = 0; n < 30; n += 1) {
        await store.append('cluster-a', n === 0 ? 'none' : n - 1, [pinned(`s${n}`)]);
        expected.push(`s${n}`);
        expect(await take(fast, 1)).toEqual([`s${n}`]);
      }
      expect(await take(slow, 30)).toEqual(expected);
    });

    test('an abort ends it without an error, whether it waits or hands out', async () => {
      await store.append('cluster-a', 'none', pinnedMany(3));
      const [waiting, busy] = [follow(), follow()];
      await take(waiting, 4);
      await take(busy, 1);
      const ends = waiting.next();
      stop.abort();
      expect([(await ends).done, (await busy.next()).done, (await follow().next()).done]).toEqual([true, true, true]);
    });

    test('closing the store ends it without an error', async () => {
      const followed = follow();
      await take(followed, 1);
      const ends = followed.next();
      await store.close();
      expect((await ends).done).toBe(true);
    });
  });

  describe('opened again', () => {
    test('has the same id and the same events', async () => {
      await store.append('cluster-a', 'none', pinnedMany(3));
      const before = { id: store.id, head: await store.head(), events: await gather(store.readAll()) };
      store = await reopen();
      expect({ id: store.id, head: await store.head(), events: await gather(store.readAll()) }).toEqual(before);
      expect(store.id).toMatch(/^[a-z0-9]{4,16}$/);
    });

    test('a closed store answers everything with STORE_CLOSED, and closing twice does nothing', async () => {
      await store.close();
      await store.close();
      const calls = [
        async () => store.append('cluster-a', 'none', [pinned('s')]), async () => gather(store.readStream('cluster-a')),
        async () => gather(store.readAll()), async () => take(follow(), 1), async () => store.head(),
      ];
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    });
  });
}
