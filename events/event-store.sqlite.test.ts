// The embedded event store: the contract, and what only a file promises: one owner, damage named, nothing lost.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { gather, nameOf, pinned, pinnedMany } from './event-samples.contract.js';
import { describeEventStore } from './event-store.contract.js';
import type { EventStore } from './event-store.js';
import { openSqliteEventStore } from './event-store.sqlite.js';

for (const pageSize of [500, 2]) {
  describeEventStore(`SQLite file read ${pageSize} rows at once`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'snapkeep-events-'));
    const open = (): EventStore => openSqliteEventStore(join(folder, 'events.db'), { pageSize });
    let store = open();
    return {
      store,
      reopen: async () => {
        await store.close();
        store = open();
        return store;
      },
      dispose: async () => {
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  });
}

describe('the file of the SQLite event store', () => {
  let folder: string;
  let file: string;
  let stores: EventStore[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'snapkeep-events-'));
    file = join(folder, 'events.db');
    stores = [];
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    rmSync(folder, { recursive: true });
  });
  const open = (): EventStore => {
    const store = openSqliteEventStore(file);
    stores.push(store);
    return store;
  };
  const tamper = async (sql: string): Promise<EventStore> => {
    const store = open();
    await store.append('cluster-a', 'none', pinnedMany(3));
    await store.close();
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
    return open();
  };

  test('has one owner: a second open is refused by name until the first is closed, and harms nothing', async () => {
    const first = open();
    expect(() => open()).toThrow(expect.objectContaining({ code: 'STORE_IN_USE', message: expect.stringContaining(file) }));
    await first.append('cluster-a', 'none', [pinned('s')]);
    await first.close();
    expect((await gather(open().readAll())).map(nameOf)).toEqual(['s']);
  });

  test('can be read by nobody but its owner', () => {
    open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('two logs have different ids', () => {
    const other = openSqliteEventStore(':memory:');
    stores.push(other);
    expect(other.id).not.toBe(open().id);
  });

  test('a file that is no log is refused and left as it is', () => {
    writeFileSync(file, 'not a database, but long enough to be taken for one at first sight '.repeat(20));
    const before = readFileSync(file);
    expect(() => open()).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT', message: expect.stringContaining(file) }));
    expect(readFileSync(file)).toEqual(before);
  });

  test("another program's database is refused", () => {
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE theirs (a)');
    db.close();
    expect(() => open()).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));
  });

  test('a file of another schema version is refused, naming both versions', async () => {
    await expect(tamper("UPDATE meta SET value = '2' WHERE name = 'schema_version'")).rejects.toMatchObject({
      code: 'STORE_CORRUPT', message: expect.stringMatching(/version 2.* knows 1/),
    });
  });

  test('a folder that is missing is named', () => {
    file = join(folder, 'missing', 'events.db');
    expect(() => open()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(file) }));
  });

  const place = { stream: 'cluster-a', revision: 1, position: '00000000000000000002' };
  test.each([
    ['data that do not fit', "data = '{}'", 'EVENT_UNDECODABLE', 'SnapshotPinned'],
    ['data that are no JSON', "data = '{'", 'EVENT_UNDECODABLE', 'SnapshotPinned'],
    ['a type that every object has a member of', "type = 'constructor'", 'EVENT_VERSION_UNKNOWN', 'constructor'],
    ['a newer version', 'version = 2', 'EVENT_VERSION_UNKNOWN', 'SnapshotPinned'],
    ['an unknown type', "type = 'SnapshotBlessed'", 'EVENT_VERSION_UNKNOWN', 'SnapshotBlessed'],
  ])('%s stop every reader there, after what comes before', async (_, change, code, type) => {
    const store = await tamper(`UPDATE events SET ${change} WHERE revision = 1`);
    const readers = [store.readStream('cluster-a'), store.readAll(), store.follow({ signal: new AbortController().signal })];
    for (const reader of readers) {
      const seen: unknown[] = [];
      const reading = async (): Promise<void> => {
        for await (const one of reader) seen.push(one);
      };
      await expect(reading).rejects.toMatchObject({ code, details: { ...place, type } });
      expect(seen).toHaveLength(1);
    }
  });

  test('appends that wait when the store is closed are written before', async () => {
    const store = open();
    const appended = store.append('cluster-a', 'none', [pinned('s')]);
    await Promise.all([store.close(), appended]);
    expect((await gather(open().readAll())).map(nameOf)).toEqual(['s']);
  });

  test('a write that the file does not confirm is in doubt, and can be repeated', async () => {
    const store = await tamper("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    await expect(store.append('cluster-b', 'none', [pinned('s')])).rejects.toMatchObject({ code: 'IN_DOUBT', details: { stream: 'cluster-b' } });
    expect(await gather(store.readAll())).toHaveLength(3);
  });
});
