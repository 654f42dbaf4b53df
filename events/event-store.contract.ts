// What every event store adapter must do, as tests to be registered by the adapter's own test file.
// Knows nothing of files or servers; what only one adapter promises is tested beside that adapter.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ClusterEvent } from './cluster-events.js';
import { gather, names, newEvent, pinned, pinnedMany } from './event-samples.contract.js';
import { describeReading } from './event-store-reading.contract.js';
import type { EventStore } from './event-store.js';

export interface OpenedEventStore {
  /** Empty at first. */
  readonly store: EventStore;
  /** Closes the store and opens the same log again. */
  reopen(): Promise<EventStore>;
  dispose(): Promise<void>;
}

export function describeEventStore(name: string, open: () => Promise<OpenedEventStore>): void {
  describe(`event store: ${name}`, () => {
    let opened: OpenedEventStore;
    let store: EventStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.dispose());
    const reopen = async (): Promise<EventStore> => {
      store = await opened.reopen();
      return store;
    };

    describeReading(() => store, reopen);

    describe('append', () => {
      test('keeps an event as it was handed over, with stream, revision and position', async () => {
        const event = newEvent({ type: 'SnapshotFailed', data: { snapshotId: 'ä"\n\u2028😀', failure: { step: 'STREAM', code: 'UNREACHABLE', message: '' } } });
        const appended = await store.append('cluster-a', 'none', [event]);
        expect(await gather(store.readStream('cluster-a'))).toEqual([{ ...event, stream: 'cluster-a', ...appended }]);
        expect(appended.revision).toBe(0);
      });

      test('answers with the last revision and position of several events', async () => {
        await store.append('cluster-a', 'none', pinnedMany(3));
        const appended = await store.append('cluster-a', 2, pinnedMany(2));
        expect(appended).toEqual({ revision: 4, position: (await gather(store.readAll())).at(-1)?.position });
        expect(await store.head()).toBe(appended.position);
      });

      test.each([
        ['a stream that exists', 'none', 1], ['an older revision', 0, 1], ['a newer revision', 2, 1],
      ] as const)('expecting wrongly (%s) is a conflict that names both revisions and writes nothing', async (_, expected, actual) => {
        await store.append('cluster-a', 'none', pinnedMany(2));
        await expect(store.append('cluster-a', expected, [pinned('x')])).rejects.toMatchObject({
          code: 'APPEND_CONFLICT', details: { stream: 'cluster-a', expected, actual },
        });
        expect(await names(store.readAll())).toEqual(['s0', 's1']);
      });

      test('expecting a revision of a stream that does not exist is a conflict', async () => {
        await expect(store.append('cluster-a', 0, [pinned('x')])).rejects.toMatchObject({
          code: 'APPEND_CONFLICT', details: { expected: 0, actual: 'none' },
        });
      });

      test('of many racers at one revision exactly one wins', async () => {
        await store.append('cluster-a', 'none', [pinned('first')]);
        const raced = await Promise.allSettled(pinnedMany(20).map((event) => store.append('cluster-a', 0, [event])));
        expect(raced.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
        const lost = raced.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
        for (const reason of lost) expect(reason).toMatchObject({ code: 'APPEND_CONFLICT', details: { expected: 0, actual: 1 } });
        expect(await gather(store.readStream('cluster-a'))).toHaveLength(2);
      });

      test('appends to different streams at once all succeed', async () => {
        const streams = Array.from({ length: 20 }, (_, n) => `cluster-${n}`);
        await Promise.all(streams.map((stream) => store.append(stream, 'none', [pinned(stream), pinned(stream)])));
        const all = await gather(store.readAll());
        expect(all.map((event) => event.stream).sort()).toEqual(streams.flatMap((stream) => [stream, stream]).sort());
      });

      test('takes 1,000 events at once and keeps their order', async () => {
        const events = pinnedMany(1000);
        expect(await store.append('cluster-a', 'none', events)).toMatchObject({ revision: 999 });
        const stored = await gather(store.readStream('cluster-a'));
        expect(stored.map((event) => event.id)).toEqual(events.map((event) => event.id));
        expect(stored.map((event) => event.revision)).toEqual(events.map((_, n) => n));
      });
    });

    describe('a repeated append', () => {
      test('gives the first answer and writes nothing, also after later appends', async () => {
        const events = pinnedMany(3);
        const first = await store.append('cluster-a', 'none', events);
        expect(await store.append('cluster-a', 'none', events)).toEqual(first);
        await store.append('cluster-a', 2, [pinned('later')]);
        expect(await store.append('cluster-a', 'none', events)).toEqual(first);
        expect(await names(store.readAll())).toEqual(['s0', 's1', 's2', 'later']);
      });

      test('gives the first answer after the log was opened again', async () => {
        await store.append('cluster-a', 'none', [pinned('before')]);
        const events = pinnedMany(2);
        const first = await store.append('cluster-a', 0, events);
        await reopen();
        expect(await store.append('cluster-a', 0, events)).toEqual(first);
        expect(await names(store.readAll())).toEqual(['before', 's0', 's1']);
      });

      test('made at the same time as the first is written once', async () => {
        const events = pinnedMany(2);
        const answers = await Promise.all([1, 2, 3].map(() => store.append('cluster-a', 'none', events)));
        expect(new Set(answers.map((answer) => answer.position)).size).toBe(1);
        expect(await names(store.readAll())).toEqual(['s0', 's1']);
      });

      test('with only the first of the events is a repeat too', async () => {
        const events = pinnedMany(3);
        await store.append('cluster-a', 'none', events);
        const positions = (await gather(store.readStream('cluster-a'))).map((event) => event.position);
        expect(await store.append('cluster-a', 'none', events.slice(0, 2))).toEqual({ revision: 1, position: positions[1] });
      });

      test('that overlaps with the first in part is a conflict and writes nothing', async () => {
        const events = pinnedMany(2);
        await store.append('cluster-a', 'none', events);
        await expect(store.append('cluster-a', 'none', [...events, pinned('x')])).rejects.toMatchObject({ code: 'APPEND_CONFLICT' });
        await expect(store.append('cluster-a', 'none', [...events.slice(0, 1), pinned('x')])).rejects.toMatchObject({ code: 'APPEND_CONFLICT' });
        expect(await names(store.readAll())).toEqual(['s0', 's1']);
      });
    });

    describe('refused before anything is written', () => {
      test.each(['', '$all', '$ce-cluster', 'cluster', 'cluster-', 'cluster-A', 'cluster-a b', 'user-a', 'cluster-a\n'])('the stream name %j', async (stream) => {
        await expect(store.append(stream, 'none', [pinned('x')])).rejects.toMatchObject({ code: 'APPEND_REFUSED' });
      });

      test('no events, and more than a mebibyte of them', async () => {
        await expect(store.append('cluster-a', 'none', [])).rejects.toMatchObject({ code: 'APPEND_REFUSED' });
        const large = pinnedMany(2).map((event) => ({ ...event, event: pinned('x'.repeat(600_000)).event }));
        await expect(store.append('cluster-a', 'none', large)).rejects.toMatchObject({ code: 'APPEND_REFUSED' });
        expect(await store.head()).toBeNull();
      });

      test('an event that does not fit its schema, together with those beside it', async () => {
        const broken = JSON.parse('{"type":"SnapshotPinned","data":{"snapshotId":7}}') as ClusterEvent;
        await expect(store.append('cluster-a', 'none', [pinned('s'), newEvent(broken)])).rejects.toMatchObject({ code: 'EVENT_UNDECODABLE' });
        expect(await store.head()).toBeNull();
      });
    });
  });
}
