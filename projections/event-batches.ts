// Cuts a followed log into batches of what is at hand: never waits to fill one, never keeps one back.
// Ends the follow when its reader leaves, also in the midst of waiting.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventStore, Followed, Position, StoredEvent } from '../events/event-store.js';

export interface EventBatch {
  readonly events: readonly StoredEvent[];
  /** The log's end as it was has been reached behind these events. */
  readonly caughtUp: boolean;
}

export interface FollowFrom {
  readonly after: Position | null;
  readonly signal: AbortSignal;
  readonly size: number;
}

/** Hands out everything that was read before an error, then throws the error. */
export async function* eventBatches(store: EventStore, { after, signal, size }: FollowFrom): AsyncGenerator<EventBatch> {
  const left = new AbortController();
  const followed = store.follow({ after: after ?? undefined, signal: AbortSignal.any([signal, left.signal]) })[Symbol.asyncIterator]();
  const next = (): Promise<IteratorResult<Followed>> => {
    const coming = followed.next();
    // What fails while the reader is busy is thrown when it comes back.
    coming.catch(() => undefined);
    return coming;
  };
  let pending = next();
  /** Adds what comes without waiting; leaves the next one pending. */
  const gather = async (batch: Followed[]): Promise<void> => {
    const turn = nextTurn(null);
    while (batch.at(-1)?.kind === 'event' && batch.length < size) {
      const arrived = await Promise.race([pending.catch(() => null), turn]);
      if (arrived === null || arrived.done === true) return;
      batch.push(arrived.value);
      pending = next();
    }
  };
  try {
    for (let first = await pending; first.done !== true; first = await pending) {
      pending = next();
      const batch = [first.value];
      await gather(batch);
      yield batchOf(batch);
    }
  } finally {
    left.abort();
    await followed.return?.();
  }
}

function batchOf(followed: readonly Followed[]): EventBatch {
  return {
    events: followed.flatMap((one) => (one.kind === 'event' ? [one.event] : [])),
    caughtUp: followed.at(-1)?.kind === 'caught-up',
  };
}
