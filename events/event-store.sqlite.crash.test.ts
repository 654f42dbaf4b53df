// The embedded event store across processes: one owner at a time, and kill -9 at any instant loses nothing acknowledged.
// The other process is test/event-writer.ts.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { gather } from './event-samples.contract.js';
import type { StoredEvent } from './event-store.js';
import { openSqliteEventStore } from './event-store.sqlite.js';
import { positionOf } from './position.js';

type Writer = ChildProcessByStdio<null, Readable, null>;
const path = (name: string): string => new URL(`../test/${name}`, import.meta.url).pathname;

describe('the SQLite event store and processes', () => {
  let folder: string;
  let file: string;
  let writers: Writer[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'snapkeep-events-'));
    file = join(folder, 'events.db');
    writers = [];
  });
  afterEach(() => {
    for (const writer of writers) writer.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const startWriter = (): Writer => {
    const writer = spawn(process.execPath, ['--import', path('typescript-loader.mjs'), path('event-writer.ts'), file], { stdio: ['ignore', 'pipe', 'inherit'] });
    writers.push(writer);
    return writer;
  };
  /** Everything a writer acknowledged, when it was killed while it went on after `lines` lines. */
  const acknowledgedUntilKilled = async (lines: number): Promise<string[]> => {
    const writer = startWriter();
    const acknowledged: string[] = [];
    const closed = once(writer, 'close');
    for await (const line of createInterface({ input: writer.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === lines) writer.kill('SIGKILL');
    }
    expect(await closed).toEqual([null, 'SIGKILL']);
    return acknowledged;
  };
  const storedEvents = async (): Promise<StoredEvent[]> => {
    const store = openSqliteEventStore(file);
    const events = await gather(store.readAll());
    await store.close();
    return events;
  };

  test('everything acknowledged is there after kill -9, without gaps or torn appends', async () => {
    const acknowledged: string[] = [];
    for (let kill = 0; kill < 10; kill += 1) {
      acknowledged.push(...(await acknowledgedUntilKilled(randomInt(1, 60))).flatMap((line) => line.split(' ')));
      const stored = await storedEvents();
      const ids = new Set(stored.map((event) => event.id));
      expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
      expect(stored.map((event) => event.position)).toEqual(stored.map((_, n) => positionOf(n + 1)));
      for (const stream of Map.groupBy(stored, (event) => event.stream).values()) {
        expect(stream.map((event) => event.revision)).toEqual(stream.map((_, n) => n));
      }
      for (const [correlationId, together] of Map.groupBy(stored, (event) => event.context.correlationId)) {
        expect(correlationId.split('/')[1]).toBe(String(together.length));
      }
    }
  });

  test('a second process is refused while the first lives, and the lock dies with it', async () => {
    const writer = startWriter();
    await once(writer.stdout, 'data');
    expect(() => openSqliteEventStore(file)).toThrow(expect.objectContaining({ code: 'STORE_IN_USE' }));
    writer.kill('SIGKILL');
    await once(writer, 'close');
    expect(await storedEvents()).not.toHaveLength(0);
  });

  test('a refused open in the same process does not give the lock away to another one', async () => {
    const owner = openSqliteEventStore(file);
    expect(() => openSqliteEventStore(file)).toThrow(expect.objectContaining({ code: 'STORE_IN_USE' }));
    const writer = startWriter();
    const [said] = (await once(writer.stdout, 'data')) as [Buffer];
    expect(said.toString()).toBe('STORE_IN_USE\n');
    await owner.close();
  });
});
