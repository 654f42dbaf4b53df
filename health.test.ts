import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SnapkeepError } from './events/errors.js';
import type { EventStore } from './events/event-store.js';
import { openSqliteEventStore } from './events/event-store.sqlite.js';
import { reportHealth } from './health.js';

const follows = { caughtUp: true, failure: null };

let store: EventStore;
beforeEach(() => {
  store = openSqliteEventStore(':memory:');
});
afterEach(() => store.close());

const trouble = (clusterId: string) => ({ clusterId, attempts: 3, since: '2026-01-01T00:00:00.000Z', message: 'the disk is full' });

test('a process whose roles all follow the log is live and ready', async () => {
  const roles = { projector: () => follows, scheduler: () => ({ ...follows, troubles: [] }) };
  expect(await reportHealth({ store, pingDatabases: null, roles })).toMatchObject({ live: true, ready: true, parts: { scheduler: { ok: true } } });
});

test('a slot that cannot be requested makes it not ready, naming the first and how many more', async () => {
  const roles = { scheduler: () => ({ ...follows, troubles: [trouble('a'), trouble('b'), trouble('c')] }) };
  const { live, ready, parts } = await reportHealth({ store, pingDatabases: null, roles });
  expect({ live, ready }).toEqual({ live: true, ready: false });
  expect(parts['scheduler']).toEqual({
    ok: false,
    message: 'cannot schedule cluster a since 2026-01-01T00:00:00.000Z, 3 attempt(s), and goes on trying: the disk is full; 2 other cluster(s) alike',
  });
});

test('a role that stopped makes it neither ready nor live, so that it is restarted', async () => {
  const roles = { projector: () => follows, worker: () => ({ ...follows, failure: new Error('the disk failed') }) };
  const { live, ready, parts } = await reportHealth({ store, pingDatabases: null, roles });
  expect({ live, ready, worker: parts['worker'] }).toEqual({ live: false, ready: false, worker: { ok: false, message: 'stopped: the disk failed' } });
});

test('a role whose store is away waits: not ready, but live, since it goes on by itself', async () => {
  const failure = new SnapkeepError('STORE_UNAVAILABLE', 'MongoDB is away');
  const { live, ready, parts } = await reportHealth({ store, pingDatabases: null, roles: { projector: () => ({ ...follows, failure }) } });
  expect({ live, ready, projector: parts['projector'] }).toEqual({ live: true, ready: false, projector: { ok: false, message: 'waits: MongoDB is away' } });
});

test('a role that stands by for another process is ready', async () => {
  expect(await reportHealth({ store, pingDatabases: null, roles: { projector: () => ({ caughtUp: false, failure: null, standby: true }) } })).toMatchObject({ live: true, ready: true });
});

test('events of a newer version leave it live, since a restart would not help', async () => {
  const failure = new SnapkeepError('EVENT_VERSION_UNKNOWN', 'a newer version wrote this');
  const { live, ready } = await reportHealth({ store, pingDatabases: null, roles: { projector: () => ({ ...follows, failure }) } });
  expect({ live, ready }).toEqual({ live: true, ready: false });
});

test('a database that is away makes it not ready, but live, whatever its roles say', async () => {
  const pingDatabases = () => Promise.reject(new SnapkeepError('STORE_UNAVAILABLE', 'MongoDB is away'));
  const { live, ready, parts } = await reportHealth({ store, pingDatabases, roles: { worker: () => follows } });
  expect({ live, ready, databases: parts['databases'] }).toEqual({ live: true, ready: false, databases: { ok: false, message: 'MongoDB is away' } });
  expect(await reportHealth({ store, pingDatabases: async () => undefined, roles: {} })).toMatchObject({ ready: true, parts: { databases: { ok: true } } });
});
