// Follows the log of EventStoreDB for ever: the client's subscription ends with its connection, so this one subscribes again
// behind the last event that its consumer has dealt with. Not reading up to an end: see event-reader.eventstoredb.ts.
import {
  type AllStreamResolvedEvent, type AllStreamSubscription, type Position as LogPosition, START, streamNameFilter,
} from '@eventstore/db-client';
import { createAppendSignal } from './append-signal.js';
import { isSnapkeepError } from './errors.js';
import type { Followed, Position } from './event-store.js';
import { eventOf, isOurs, streamPrefixes } from './event-records.eventstoredb.js';
import { growingPauses } from './server-calls.eventstoredb.js';
import type { ServerConnection } from './server-connection.eventstoredb.js';
import { type ServerFault, serverFault } from './server-errors.eventstoredb.js';

/** Events passed over between two signs of the server; the default of 32 costs much where other programs write. */
const searchWindow = 1000;

/** Where to go on; `id` is known of events that were handed out. */
export interface LastEvent {
  readonly position: Position;
  readonly id?: string;
}

export interface FollowerSettings {
  /** Throws POSITION_FOREIGN where the log is another than before, or that event is not at its position. */
  readonly checked: (last: LastEvent | null) => Promise<LogPosition | null>;
  /** Told once for each connection that was lost. */
  readonly onInterrupted: (cause: unknown) => void;
}

/** Ends without an error when `signal` aborts; rejects with the client's errors where going on cannot help. */
export async function* followLog(
  { client, credentials, namespace }: ServerConnection,
  { checked, onInterrupted }: FollowerSettings,
  after: Position | undefined,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  const pauses = growingPauses();
  let last: LastEvent | null = after === undefined ? null : { position: after };
  let connected = true;
  while (!signal.aborted) {
    try {
      const fromPosition = (await checked(last)) ?? START;
      const filter = streamNameFilter({ prefixes: streamPrefixes.map((prefix) => namespace + prefix), maxSearchWindow: searchWindow });
      const subscription = client.subscribeToAll({ fromPosition, filter, credentials });
      for await (const followed of handedOut(subscription, namespace, signal)) {
        pauses.reset();
        connected = true;
        yield followed;
        last = followed.kind === 'event' ? followed.event : last;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
      if (connected) onInterrupted(error);
      connected = false;
    }
    await pauses.next(signal);
  }
}

const finalFaults: readonly ServerFault[] = ['denied', 'untrusted', 'deleted', 'no-such-position'];

/** Not what nobody knows: a server without a leader, or a proxy before it, may say anything for a while. */
function isFinal(error: unknown): boolean {
  return isSnapkeepError(error) || finalFaults.includes(serverFault(error));
}

/** What one subscription brings, until it ends or fails. */
async function* handedOut(subscription: AllStreamSubscription, namespace: string, signal: AbortSignal): AsyncGenerator<Followed> {
  const received = receivedBy(subscription);
  try {
    while (!signal.aborted) {
      const next = received.next();
      if (next === 'ended') return;
      if (next === 'nothing') await received.stirred(signal);
      else if (next === 'caught-up') yield { kind: 'caught-up' };
      else if (next.event && isOurs(next.event, namespace)) yield { kind: 'event', event: eventOf(next.event, namespace) };
    }
  } finally {
    // What is left is read away: else the client could never close.
    subscription.removeAllListeners('readable').resume();
    subscription.unsubscribe().catch(() => undefined);
  }
}

interface Received {
  /** Rejects with what the subscription failed of. */
  next(): AllStreamResolvedEvent | 'caught-up' | 'ended' | 'nothing';
  /** Settles when there may be something next. */
  stirred(signal: AbortSignal): Promise<void>;
}

/**
 * The client says `caughtUp` when that message passes it, while events before it still wait to be read: so those are counted, and caught-up
 * comes behind the last of them.
 */
function receivedBy(subscription: AllStreamSubscription): Received {
  const signal = createAppendSignal();
  let failure: Error | null = null;
  let ended = false;
  let read = 0;
  let caughtUpAfter = Infinity;
  const on = (event: string, note: (error: unknown) => void): void => {
    subscription.on(event, (error: unknown) => {
      note(error);
      signal.ring();
    });
  };
  on('readable', () => undefined);
  on('caughtUp', () => { caughtUpAfter = read + subscription.readableLength; });
  on('error', (error) => { failure ??= error as Error; });
  on('end', () => { ended = true; });
  return {
    stirred: signal.next,
    next() {
      if (failure) throw failure;
      if (read >= caughtUpAfter) {
        caughtUpAfter = Infinity;
        return 'caught-up';
      }
      const item = subscription.read() as AllStreamResolvedEvent | null;
      if (item === null) return ended ? 'ended' : 'nothing';
      read += 1;
      return item;
    },
  };
}
