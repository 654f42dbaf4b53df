import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { clusterStream } from '../../events/cluster-events.js';
import { SnapkeepError } from '../../events/errors.js';
import type { EventStore, NewEvent, StoredEvent } from '../../events/event-store.js';
import { openSqliteEventStore } from '../../events/event-store.sqlite.js';
import { plainEncoding } from '../../events/target-events.js';
import { manual, noon, recurring, register, savePolicy, slot, start, takenRecurring } from './cluster-ledger.fixture.js';
import type { CommandHandler } from './command-handler.js';
import { createCommandHandler } from './command-handler.js';

const context = { actor: 'test', correlationId: 'x', causationId: 'y' };
const handlerOn = (store: EventStore): CommandHandler => createCommandHandler({ store, now: () => noon, newId: randomUUID });

let store: EventStore;
beforeEach(() => {
  store = openSqliteEventStore(':memory:');
});
afterEach(() => store.close());

/** The store, counting the events it hands out and losing answers of appends as told. */
function watched(inner: EventStore, loseAnswers = 0) {
  const seen = { reads: 0, appends: [] as (readonly NewEvent[])[] };
  let losses = loseAnswers;
  const outer: EventStore = {
    ...inner,
    async append(stream, expected, events) {
      seen.appends.push(events);
      const appended = await inner.append(stream, expected, events);
      losses -= 1;
      if (losses >= 0) throw new SnapkeepError('IN_DOUBT', 'the answer was lost');
      return appended;
    },
    async *readStream(stream, from) {
      for await (const event of inner.readStream(stream, from)) {
        seen.reads += 1;
        yield event;
      }
    },
  };
  return { outer, seen };
}

async function eventsOf(stream: string): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of store.readStream(stream)) events.push(event);
  return events;
}

describe('the command handler', () => {
  test('appends what was decided, with one time and context, and tells position and state', async () => {
    const done = await handlerOn(store).executeCluster('c', register(), context);
    expect(done).toMatchObject({ outcome: 'accepted', position: await store.head(), state: { clusterId: 'c', revision: 1 } });
    expect(await eventsOf(clusterStream('c'))).toMatchObject([{ time: noon, context, event: { type: 'ClusterRegistered' } }, { event: { type: 'PolicyUpdated' } }]);
  });
  test('tells a rejection, and writes nothing', async () => {
    expect(await handlerOn(store).executeCluster('c', manual('a'), context)).toMatchObject({ outcome: 'rejected', rejection: { rejected: { code: 'NOT_FOUND' } } });
    expect(await store.head()).toBeNull();
  });
  test('answers what is so already with the position to wait for', async () => {
    const commands = handlerOn(store);
    await commands.executeCluster('c', register(), context);
    const first = await commands.executeCluster('c', manual('a', { idempotencyKey: 'k' }), context);
    const again = await handlerOn(store).executeCluster('c', manual('b', { idempotencyKey: 'k' }), context);
    expect(again).toMatchObject({ outcome: 'accepted', events: [], position: first.outcome === 'accepted' ? first.position : '' });
    expect(again.state.requestsByKey.get('k')).toBe('c.a');
  });
  test('writes targets alike', async () => {
    const commands = handlerOn(store);
    await commands.executeTarget('nas', {
      type: 'CreateLocalTarget', targetId: 'nas', name: 'NAS', path: '/mnt/nas', encoding: plainEncoding,
    }, context);
    expect(await commands.targetState('nas')).toMatchObject({ targetId: 'nas', path: '/mnt/nas', retired: false });
    expect(await commands.targetState('other')).toMatchObject({ targetId: null });
  });
  test('sees what another process wrote meanwhile', async () => {
    const [one, other] = [handlerOn(store), handlerOn(store)];
    await one.executeCluster('c', register(), context);
    await other.executeCluster('c', savePolicy({ retentionCount: 2 }), context);
    expect((await one.clusterState('c')).policy?.retentionCount).toBe(2);
  });
});

describe('what is kept in memory', () => {
  const registered = async (commands: CommandHandler, clusters: readonly string[]): Promise<void> => {
    for (const clusterId of clusters) await commands.executeCluster(clusterId, register(), context);
  };
  test('spares hundreds of active clusters from being read again', async () => {
    const { outer, seen } = watched(store);
    const commands = handlerOn(outer);
    const clusters = Array.from({ length: 600 }, (_, n) => `c${n}`);
    await registered(commands, clusters);
    for (const clusterId of clusters) await commands.clusterState(clusterId);
    expect(seen.reads).toBe(0);
  });
  test('is bounded by the events behind it: the stream that was used least recently goes first, the one in use stays', async () => {
    const { outer, seen } = watched(store);
    const commands = createCommandHandler({ store: outer, now: () => noon, newId: randomUUID, capacity: 4 });
    await registered(commands, ['a', 'b']);
    await commands.clusterState('a');
    await registered(commands, ['c']);
    await commands.clusterState('a');
    expect(seen.reads).toBe(0);
    await commands.clusterState('b');
    expect(seen.reads).toBe(2);
    for (let n = 0; n < 4; n += 1) await commands.executeCluster('a', manual(`m${n}`), context);
    expect(seen.reads).toBe(2);
    await commands.executeCluster('a', manual('m4'), context);
    await commands.executeCluster('a', manual('m5'), context);
    expect(seen.reads).toBe(2);
  });
});

describe('commands that race', () => {
  test('through two handlers are each decided on what is there: every one counts, one claim wins', async () => {
    const [one, other] = [handlerOn(store), handlerOn(store)];
    const handlers = [one, other];
    await one.executeCluster('c', register(), context);
    const requests = Array.from({ length: 40 }, (_, at) => (at % 2 ? one : other).executeCluster('c', manual(`m${at}`), context));
    expect((await Promise.all(requests)).map(({ outcome }) => outcome)).toEqual(Array.from({ length: 40 }, () => 'accepted'));
    expect(await eventsOf(clusterStream('c'))).toHaveLength(42);

    const claims = await Promise.all(handlers.map((handler) => handler.executeCluster('c', start('m0'), context)));
    expect(claims.map(({ outcome }) => outcome).sort()).toEqual(['accepted', 'rejected']);
  });
  test('for one slot request it once', async () => {
    const handlers = [handlerOn(store), handlerOn(store)];
    await handlers[0]?.executeCluster('c', register(), context);
    await Promise.all(handlers.map((handler, at) => handler.executeCluster('c', recurring(`r${at}`, slot(1)), context)));
    expect((await handlers[0]?.clusterState('c'))?.snapshots.size).toBe(1);
  });
  test('give up after a bounded number of conflicts', async () => {
    let appends = 0;
    const never: EventStore = { ...store, append: async () => {
      appends += 1;
      throw new SnapkeepError('APPEND_CONFLICT', 'somebody else was first');
    } };
    await expect(handlerOn(never).executeCluster('c', register(), context)).rejects.toMatchObject({ code: 'APPEND_CONFLICT' });
    expect(appends).toBeGreaterThan(5);
    expect(appends).toBeLessThan(20);
  });
});

describe('an append in doubt', () => {
  test('is repeated with the same ids, and written once', async () => {
    const { outer, seen } = watched(store, 2);
    expect(await handlerOn(outer).executeCluster('c', register(), context)).toMatchObject({ outcome: 'accepted', state: { revision: 1 } });
    expect(seen.appends).toHaveLength(3);
    expect(new Set(seen.appends.flat().map(({ id }) => id)).size).toBe(2);
    expect(await eventsOf(clusterStream('c'))).toHaveLength(2);
  });
  test('that stays in doubt is said as such, and the next command sees what became of it', async () => {
    const { outer } = watched(store, 4);
    const commands = handlerOn(outer);
    await expect(commands.executeCluster('c', register(), context)).rejects.toMatchObject({ code: 'IN_DOUBT' });
    expect(await commands.executeCluster('c', register(), context)).toMatchObject({ outcome: 'rejected', rejection: { rejected: { code: 'ALREADY_EXISTS' } } });
  });
});

describe('a cluster with a hundred thousand events', () => {
  const cycle = async (commands: CommandHandler, id: string, n: number): Promise<void> => {
    for (const command of takenRecurring(id, n)) {
      const done = await commands.executeCluster('c', { ...command, ...('now' in command ? { now: '2030-01-01T00:00:00.000Z' } : {}) }, context);
      if (done.outcome === 'rejected') throw new Error(done.rejection.rejected.message);
      for (const event of done.events) {
        if (event.type !== 'SnapshotPruneRequested') continue;
        await commands.executeCluster('c', { type: 'RecordPruned', ...placeOf(event.data) }, context);
      }
    }
  };
  const placeOf = ({ snapshotId, targetId, node }: { snapshotId: string; targetId: string; node: string | null }) => ({ snapshotId, targetId, node });
  /** Median of milliseconds for one snapshot from request to prune. */
  const measured = async (commands: CommandHandler, from: number): Promise<number> => {
    const times: number[] = [];
    for (let n = from; n < from + 60; n += 1) {
      const began = performance.now();
      await cycle(commands, `t${n}`, n);
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[30] ?? 0;
  };

  test('costs a command no more reads and no more time than a fresh one', async () => {
    const { outer, seen } = watched(store);
    const commands = handlerOn(outer);
    await commands.executeCluster('c', register(), context);
    const fresh = await measured(commands, 0);
    for (let n = 1000; (await commands.clusterState('c')).revision < 100_000; n += 1) await cycle(commands, `s${n}`, n);
    const long = await measured(commands, 100_000);
    expect(seen.reads).toBe(0);
    await handlerOn(store).executeCluster('c', savePolicy({}), context);
    await commands.executeCluster('c', savePolicy({}), context);
    expect(seen.reads).toBe(1);
    expect(long / fresh).toBeLessThan(3);
  });
});
