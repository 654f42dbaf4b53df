// Several projectors of which one leads, a store that is away for a while, and how a process without a projector learns of checkpoints.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DomainEvent } from '../events/catalogue.js';
import { SnapkeepError } from '../events/errors.js';
import type { EventStore } from '../events/event-store.js';
import { openEventStoreDb } from '../events/event-store.eventstoredb.js';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import { untilTrue } from '../test/eventual-fact.js';
import { startEventStoreDbStandIn } from '../test/services/eventstoredb/eventstoredb-server.js';
import { createCheckpointFollower } from './checkpoint-follower.js';
import { cluster, newEvent, policy, positionAt, registered, streamOf } from './event-samples.fixture.js';
import type { Leadership, Lease } from './leadership.js';
import { createProjector } from './projector.js';
import type { Projector } from './projector.js';
import type { ReadStore } from './read-store.js';
import { openSqliteReadStore } from './read-store.sqlite.js';

let folder: string;
let store: EventStore;
let readStore: ReadStore;
let appended: number;
let stops: (() => Promise<void>)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snapkeep-projector-'));
  store = openSqliteEventStore(join(folder, 'events.db'));
  readStore = openSqliteReadStore(join(folder, 'read.db'), { eventStoreId: store.id, localPath: '/var/snapshots' });
  appended = 0;
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await readStore.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const append = async (event: DomainEvent): Promise<string> => {
  const { position } = await store.append(streamOf(event), appended === 0 ? 'none' : appended - 1, [newEvent(event, appended += 1)]);
  return position;
};
const running = <Runs extends Pick<Projector, 'run'>>(runs: Runs): { it: Runs; stop: () => Promise<void> } => {
  const end = new AbortController();
  const ran = runs.run(end.signal);
  const stop = async (): Promise<void> => {
    end.abort();
    await ran;
  };
  stops.push(stop);
  return { it: runs, stop };
};

/** Leadership within this process: one lease at a time. */
function oneLease(): Leadership & { revoke(): void } {
  let current: AbortController | null = null;
  return {
    async tryAcquire(): Promise<Lease | null> {
      if (current !== null) return null;
      const own = new AbortController();
      current = own;
      const release = async (): Promise<void> => {
        if (current === own) current = null;
      };
      return { lost: own.signal, release };
    },
    revoke() {
      current?.abort();
      current = new AbortController();
    },
  };
}

describe('of two projectors', () => {
  test('one projects while the other stands by, and takes over when it ends', async () => {
    const leadership = oneLease();
    const [first, second] = [1, 2].map(() => running(createProjector({ store, readStore, leadership })));
    const position = await append(registered);
    expect(await first?.it.waitFor(position, 10_000)).toBe(true);
    await untilTrue('the second stands by', () => second?.it.state().standby === true);
    expect([first?.it.state(), second?.it.state()]).toMatchObject([{ standby: false, caughtUp: true }, { caughtUp: false, checkpoint: null }]);
    await first?.stop();
    expect(await second?.it.waitFor(await append(policy), 10_000)).toBe(true);
    expect(await readStore.cluster(cluster)).toMatchObject({ policy: { revision: 1 } });
  });

  test('one whose lease is lost writes no more', async () => {
    const leadership = oneLease();
    const { it } = running(createProjector({ store, readStore, leadership }));
    const position = await append(registered);
    await it.waitFor(position, 10_000);
    leadership.revoke();
    await untilTrue('it stands by', () => it.state().standby);
    await append(policy);
    expect(await it.waitFor(positionAt(2), 1)).toBe(false);
    expect(await readStore.checkpoint()).toBe(position);
  });
});

test('a read store that is away is waited for, said as the failure meanwhile, and shown again without a restart', async () => {
  let away = true;
  const failing: ReadStore = {
    ...readStore,
    checkpoint: async () => {
      if (away) throw new SnapkeepError('STORE_UNAVAILABLE', 'the read store is away');
      return readStore.checkpoint();
    },
  };
  const { it } = running(createProjector({ store, readStore: failing }));
  const position = await append(registered);
  await untilTrue('the outage is said', () => it.state().failure?.code === 'STORE_UNAVAILABLE');
  expect(it.state().running).toBe(true);
  away = false;
  await untilTrue('the projector has caught up', () => it.state().caughtUp);
  expect(it.state()).toMatchObject({ failure: null, checkpoint: position });
});

describe('a process without a projector', () => {
  const nothing = { clusters: [], targets: [], snapshots: [], history: [] };

  test('learns of the checkpoints that others write, whoever waits or listens', async () => {
    const { it } = running(createCheckpointFollower({ store, readStore }));
    const heard: string[] = [];
    const leave = it.onCheckpoint((checkpoint) => heard.push(checkpoint));
    const waiting = it.waitFor(positionAt(2), 10_000);
    await readStore.commit(nothing, null, positionAt(1));
    await readStore.commit(nothing, positionAt(1), positionAt(3));
    expect(await waiting).toBe(true);
    leave();
    expect(heard.at(-1)).toBe(positionAt(3));
    expect(await it.waitFor(positionAt(2), 0)).toBe(true);
    expect(await it.waitFor(positionAt(4), 1)).toBe(false);
  });

  test('has caught up when the rows show what was in the log when it began', async () => {
    const position = await append(registered);
    const { it } = running(createCheckpointFollower({ store, readStore }));
    expect(await it.waitFor(position, 1)).toBe(false);
    expect(it.state().caughtUp).toBe(false);
    await append(policy);
    await readStore.commit(nothing, null, position);
    expect(await it.waitFor(position, 10_000)).toBe(true);
    await untilTrue('it has caught up', () => it.state().caughtUp);
  });

  test('says that the read store is away, and that it is there again', async () => {
    const position = await append(registered);
    let away = true;
    const checkpoint = async (): Promise<string | null> => {
      if (away) throw new SnapkeepError('STORE_UNAVAILABLE', 'the read store is away');
      return position;
    };
    const { it } = running(createCheckpointFollower({ store, readStore: { ...readStore, checkpoint } }));
    const waiting = it.waitFor(position, 20_000);
    await untilTrue('the outage is said', () => it.state().failure?.code === 'STORE_UNAVAILABLE');
    away = false;
    expect(await waiting).toBe(true);
    expect(it.state().failure).toBeNull();
  });

  test('stops by name where the rows are beyond the end of the log', async () => {
    await append(registered);
    await readStore.commit(nothing, null, positionAt(9));
    const { it } = running(createCheckpointFollower({ store, readStore }));
    await untilTrue('it has stopped', () => !it.state().running);
    expect(it.state().failure).toMatchObject({ code: 'POSITION_FOREIGN' });
  });

  test('stops by name where the log was replaced meanwhile, and lets nobody wait for it any more', async () => {
    const server = await startEventStoreDbStandIn();
    const log = await openEventStoreDb(`esdb://${server.address}?tls=false`);
    const { it } = running(createCheckpointFollower({ store: log, readStore }));
    const waiting = it.waitFor(positionAt(1), 20_000);
    await untilTrue('it has caught up', () => it.state().caughtUp);
    await server.kill();
    server.log.setBack(0);
    await server.start();
    expect(await waiting).toBe(false);
    expect(it.state()).toMatchObject({ running: false, failure: { code: 'POSITION_FOREIGN' } });
    expect(await it.waitFor(positionAt(1), 20_000)).toBe(false);
    await log.close();
    await server.kill();
  });

  test('gives up waiting when it ends', async () => {
    const { it, stop } = running(createCheckpointFollower({ store, readStore }));
    const waiting = it.waitFor(positionAt(1), 3_600_000);
    await stop();
    expect(await waiting).toBe(false);
  });
});
