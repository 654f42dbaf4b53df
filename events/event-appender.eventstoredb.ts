// Appends to EventStoreDB at exact revisions with ids of ours, by single calls: so the same append can be repeated until its outcome is known.
// Not what an append must be: see append-request.ts.
import { type EventData, NO_STREAM, type Position as LogPosition, type WrongExpectedVersionError } from '@eventstore/db-client';
import { type AppendRequest, appendConflict, appendRefused } from './append-request.js';
import { SnapkeepError } from './errors.js';
import type { Appended, ExpectedRevision } from './event-store.js';
import { positionOf, recordOf } from './event-records.eventstoredb.js';
import { type Persistence, persistently, withinTime } from './server-calls.eventstoredb.js';
import type { ServerConnection } from './server-connection.eventstoredb.js';
import { configurationError, serverFault, wordsOf } from './server-errors.eventstoredb.js';

export interface AppenderSettings extends Persistence {
  /** The deadline that the server is told; our own is a second later. */
  readonly callMs: number;
}

interface Written {
  readonly revision: number;
  readonly position: LogPosition;
}

/** One append of records, repeated while that may help. `onDoubt` is called whenever a try may have been stored all the same. */
export type WriteRecords = (stream: string, expected: ExpectedRevision, records: EventData[], onDoubt?: () => void) => Promise<Written>;

/** Rejects with the client's errors. */
export function recordWriter({ client, credentials, namespace }: ServerConnection, { callMs, ...persistence }: AppenderSettings): WriteRecords {
  return (stream, expected, records, onDoubt) => persistently(async () => {
    const expectedRevision = expected === 'none' ? NO_STREAM : BigInt(expected);
    const call = client.appendToStream(namespace + stream, records, { expectedRevision, credentials, deadline: callMs });
    try {
      const { nextExpectedRevision, position } = await withinTime(call, callMs + 1000);
      if (position === undefined) throw new TypeError('the answer names no position');
      return { revision: Number(nextExpectedRevision), position };
    } catch (error) {
      if (serverFault(error) === 'passing') onDoubt?.();
      throw error;
    }
  }, persistence);
}

/** Throws APPEND_CONFLICT, APPEND_REFUSED, CONFIG_INVALID where the server is not trusted, or IN_DOUBT. */
export async function appended(write: WriteRecords, request: AppendRequest, address: string): Promise<Appended> {
  const { stream, expected, events } = request;
  let doubted = false;
  try {
    const { revision, position } = await write(stream, expected, events.map(recordOf), () => { doubted = true; });
    return { revision, position: positionOf(position) };
  } catch (error) {
    throw refusal(request, address, error, doubted) ?? inDoubt(request, address, error);
  }
}

/** Null where it may have been stored. A conflict proves that it was not, since the server knows the ids of a repeated append. */
function refusal({ stream, expected }: AppendRequest, address: string, error: unknown, doubted: boolean): SnapkeepError | null {
  const fault = serverFault(error);
  if (fault === 'conflict') return appendConflict(stream, expected, actualRevision(error as WrongExpectedVersionError));
  if (fault === 'too-large') return appendRefused(stream, expected, 'it is more than EventStoreDB takes at once; split it', error);
  // From here on an earlier try may have been stored before the server began to refuse.
  if (doubted) return null;
  if (fault === 'deleted') return appendRefused(stream, expected, 'the stream was deleted for good by somebody else', error);
  if (fault === 'denied') return appendRefused(stream, expected, `EventStoreDB at ${address} does not let the user write (${wordsOf(error)})`, error);
  return fault === 'untrusted' ? configurationError(address, error) : null;
}

function actualRevision({ actualVersion }: WrongExpectedVersionError): ExpectedRevision {
  return typeof actualVersion === 'bigint' && actualVersion >= 0n ? Number(actualVersion) : 'none';
}

function inDoubt({ stream, expected }: AppendRequest, address: string, cause: unknown): SnapkeepError {
  return new SnapkeepError('IN_DOUBT', `appending to ${stream} at revision ${expected}: EventStoreDB at ${address} did not confirm the write `
    + `(${wordsOf(cause)}); see that it runs and repeat the same append`, { details: { stream, expected }, cause });
}
