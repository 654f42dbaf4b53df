// A process that appends to an event log until it is killed, and prints each append as soon as it is acknowledged.
// Run by tests: node --import ./typescript-loader.mjs event-writer.ts <file>
import { randomInt, randomUUID } from 'node:crypto';
import type { NewEvent } from '../events/event-store.js';
import { isSnapkeepError } from '../events/errors.js';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';

/** The correlation id tells how many events were appended together, so that a torn append shows. */
function batch(): NewEvent[] {
  const size = randomInt(1, 60);
  const context = { actor: 'writer', correlationId: `${randomUUID()}/${size}`, causationId: 'none' };
  return Array.from({ length: size }, () => ({
    id: randomUUID(), time: '2026-11-01T12:00:00.000Z', context, event: { type: 'SnapshotPinned', data: { snapshotId: 'a'.repeat(randomInt(1, 1000)) } },
  }));
}

async function write(file: string): Promise<void> {
  const store = openSqliteEventStore(file);
  await Promise.all(['cluster-a', 'cluster-b', 'target-c'].map(async (stream) => {
    let last = -1;
    for await (const event of store.readStream(stream)) last = event.revision;
    for (;;) {
      const events = batch();
      ({ revision: last } = await store.append(stream, last === -1 ? 'none' : last, events));
      process.stdout.write(`${events.map((event) => event.id).join(' ')}\n`);
    }
  }));
}

write(process.argv[2] ?? '').catch((error: unknown) => {
  process.stdout.write(`${isSnapkeepError(error) ? error.code : String(error)}\n`);
  process.exitCode = 1;
});
