// Projectors on a read store in MongoDB: two at once, or one that is cut off in its midst, end with the rows that a rebuild gives.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { EventStore, Position } from '../events/event-store.js';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import { eventually, untilTrue } from '../test/eventual-fact.js';
import { connectThroughProxy, mongoSuite, realMongoSuite } from '../test/mongo-server.js';
import type { TestDatabase } from '../test/mongo-server.js';
import {
  cluster, copy, directoryCreated, newEvent, policy, progressed, pruned, registered, requested, started, streamOf, taken,
} from './event-samples.fixture.js';
import { mongoLeadership } from './leadership.mongo.js';
import type { Leadership, Lease } from './leadership.js';
import { createProjector } from './projector.js';
import type { Projector } from './projector.js';
import { openMongoReadStore } from './read-store.mongo.js';
import type { ReadStore } from './read-store.js';
import { openSqliteReadStore } from './read-store.sqlite.js';

const idOf = (n: number): string => `${cluster}.${String(n).padStart(26, '0')}`;
const snapshots = Array.from({ length: 12 }, (_, n) => [
  requested(undefined, idOf(n)), started(1, 'any', idOf(n)), ...taken({ id: idOf(n), copies: [copy('local'), copy('nas')] }), ...pruned('nas', idOf(n)),
]).flat();
const whole = [registered, policy, directoryCreated, requested(), started(), progressed(10, 4096), ...snapshots];

await mongoSuite('projectors on MongoDB', (open) => {
  let database: TestDatabase;
  let folder: string;
  let store: EventStore;
  let source: { readonly eventStoreId: string; readonly localPath: string };
  let stops: (() => Promise<void>)[];
  beforeEach(() => {
    database = open();
    folder = mkdtempSync(join(tmpdir(), 'snapkeep-projector-'));
    store = openSqliteEventStore(join(folder, 'events.db'));
    source = { eventStoreId: store.id, localPath: '/var/snapshots' };
    stops = [];
  });
  afterEach(async () => {
    for (const stop of stops) await stop();
    await store.close();
    await database.dispose();
    rmSync(folder, { recursive: true });
  });

  const begin = (readStore: ReadStore): Projector => {
    const projector = createProjector({ store, readStore });
    const end = new AbortController();
    const ran = projector.run(end.signal);
    stops.unshift(async () => {
      end.abort();
      await ran;
    });
    return projector;
  };
  /** One append for each event, so that projectors meet it in batches of many sizes. */
  const appendAll = async (between: (n: number) => void = () => undefined): Promise<Position> => {
    const revisions = new Map<string, number>();
    let last = '';
    for (const [n, event] of whole.entries()) {
      const stream = streamOf(event);
      const { revision, position } = await store.append(stream, revisions.get(stream) ?? 'none', [newEvent(event, n + 1)]);
      revisions.set(stream, revision);
      last = position;
      between(n);
    }
    return last;
  };
  const everything = async (of: ReadStore): Promise<unknown> => [
    await of.checkpoint(), await of.clusters({ first: 10 }), await of.targets(), await of.snapshots({ clusterId: cluster, first: 50 }),
    await of.countSnapshots(cluster, { states: ['TAKEN'] }), await of.countSnapshots(cluster), await of.history({ clusterId: cluster, first: 200 }),
  ];
  const rebuilt = async (position: Position): Promise<unknown> => {
    const readStore = openSqliteReadStore(':memory:', source);
    const projector = begin(readStore);
    await projector.waitFor(position, 20_000);
    return everything(readStore);
  };

  test('two that project at once end with the rows of a rebuild', async () => {
    const shown = await openMongoReadStore(database.db, source);
    const projectors = [begin(shown), begin(await openMongoReadStore(database.db, source))];
    const position = await appendAll();
    await untilTrue('everything is shown', async () => await shown.checkpoint() === position);
    expect(projectors.map((projector) => projector.state().failure)).toEqual([null, null]);
    expect(await everything(shown)).toEqual(await rebuilt(position));
  });

  test('one that is cut off again and again goes on by itself, to the rows of a rebuild', async () => {
    const connection = await connectThroughProxy(database);
    stops.push(() => connection.close());
    const shown = await openMongoReadStore(connection.db, source);
    begin(shown);
    const position = await appendAll((n) => {
      if (n % 10 !== 5) return;
      connection.proxy.setFault({ kind: 'refuse' });
      connection.proxy.setFault(null);
    });
    await untilTrue('everything is shown', async () => await shown.checkpoint().catch(() => null) === position, { withinMs: 50_000 });
    expect(await everything(shown)).toEqual(await rebuilt(position));
  });
});

await realMongoSuite('take-over of leadership in MongoDB', (open) => {
  test('a leader that is cut off is replaced within 10 s, and learns of it', async () => {
    const database = open();
    const connection = await connectThroughProxy(database);
    const take = (of: Leadership) => async (): Promise<Lease | undefined> => await of.tryAcquire() ?? undefined;
    const lease = await mongoLeadership(connection.db, 'read').tryAcquire();
    const contender = mongoLeadership(database.db, 'read');
    expect(await contender.tryAcquire()).toBeNull();
    connection.proxy.setFault({ kind: 'refuse' });
    const next = await eventually('the other leads', take(contender), { withinMs: 10_000 });
    await untilTrue('the first one knows', () => lease?.lost.aborted === true);
    await next.release();
    await lease?.release();
    await connection.close();
    await database.dispose();
  });
});
