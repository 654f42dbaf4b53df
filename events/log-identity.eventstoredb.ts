// The short id of a log in EventStoreDB: the first event of a stream of its own, written by whichever process comes first.
// No event of the catalogue: nobody but this file reads it.
import { randomBytes, randomUUID } from 'node:crypto';
import { jsonEvent } from '@eventstore/db-client';
import { z } from 'zod';
import { SnapkeepError } from './errors.js';
import type { WriteRecords } from './event-appender.eventstoredb.js';
import type { EventReader } from './event-reader.eventstoredb.js';
import { serverFault } from './server-errors.eventstoredb.js';

const stream = 'snapkeep-log';
const identitySchema = z.object({ id: z.string().regex(/^[a-z0-9]{4,16}$/) });

/** Null where the log has none: it is new, or was emptied. Throws STORE_CORRUPT where it cannot be read. */
export async function logIdentity(reader: EventReader): Promise<string | null> {
  const first = await reader.firstOf(stream);
  if (first === null) return null;
  const identity = identitySchema.safeParse(first.data);
  if (identity.success) return identity.data.id;
  throw new SnapkeepError('STORE_CORRUPT', `opening the event log: the first event of ${stream}, ${first.type}, holds no id of Snapkeep's; `
    + 'another program wrote it: give Snapkeep a database of its own', { cause: identity.error });
}

/** Of all who come at once one writes, and all get its id. */
export async function ensuredIdentity(reader: EventReader, write: WriteRecords): Promise<string> {
  const known = await logIdentity(reader);
  if (known !== null) return known;
  const id = randomBytes(4).toString('hex');
  try {
    await write(stream, 'none', [jsonEvent({ id: randomUUID(), type: 'LogCreated', data: { id } })]);
    return id;
  } catch (error) {
    const others = serverFault(error) === 'conflict' ? await logIdentity(reader) : null;
    if (others === null) throw error;
    return others;
  }
}
