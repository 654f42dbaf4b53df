// Follows the log and keeps the read store up to it: batches of what is at hand, rows and checkpoint in one commit.
// Not the translation: see projection.ts. Stops by name at what it cannot show, and never skips.
import { setTimeout as pause } from 'node:timers/promises';
import { SnapkeepError, isSnapkeepError } from '../events/errors.js';
import type { EventStore, Position } from '../events/event-store.js';
import { createCheckpointWatch } from './checkpoint-watch.js';
import { eventBatches } from './event-batches.js';
import { alwaysLeading } from './leadership.js';
import type { Leadership, Lease } from './leadership.js';
import { applyBatch, batchSize } from './projector-batch.js';
import type { ReadStore } from './read-store.js';

export interface ProjectorState {
  readonly running: boolean;
  /** Has shown everything that was in the log when it was reached. */
  readonly caughtUp: boolean;
  readonly checkpoint: Position | null;
  /** Another process projects into the read store; this one waits to take over. */
  readonly standby: boolean;
  /** Why it stopped by itself, or what it waits for while a store is away (STORE_UNAVAILABLE, `running`); readiness shows it. */
  readonly failure: SnapkeepError | null;
}

export interface Projector {
  /** Until `signal` aborts or a failure stops it: see `state().failure`. Never rejects. May be run again after it has ended. */
  run(signal: AbortSignal): Promise<void>;
  state(): ProjectorState;
  /** True once the checkpoint is at or behind `position`; false after `timeoutMs`, or at once when the projector stops. */
  waitFor(position: Position, timeoutMs: number): Promise<boolean>;
  /** Called after each commit, and with the stored checkpoint at the start; gives the function that ends it. */
  onCheckpoint(listener: (checkpoint: Position) => void): () => void;
}

export interface ProjectorOptions {
  readonly store: EventStore;
  readonly readStore: ReadStore;
  /** Where several processes project into the read store; only this one's commits move its checkpoint watch. */
  readonly leadership?: Leadership | undefined;
}

/** Of a projector that waits for its turn to lead. */
export const askAgainEveryMs = 1_000;

export function createProjector({ store, readStore, leadership = alwaysLeading }: ProjectorOptions): Projector {
  const watch = createCheckpointWatch();
  let state = { running: false, caughtUp: false, standby: false, failure: null as SnapkeepError | null };

  const restart = async (): Promise<Position | null> => {
    const checkpoint = await readStore.checkpoint();
    await assertWithin(store, checkpoint);
    if (checkpoint !== null) watch.moved(checkpoint);
    return checkpoint;
  };

  /** Returns when the signal aborts, or when another projector has moved the checkpoint. */
  const followFrom = async (start: Position | null, signal: AbortSignal): Promise<void> => {
    let checkpoint = start;
    for await (const batch of eventBatches(store, { after: checkpoint, signal, size: batchSize })) {
      const next = await applyBatch(readStore, batch.events, checkpoint);
      if (next === null && batch.events.length > 0) return;
      if (next !== null && next !== checkpoint) watch.moved(next);
      checkpoint = next;
      if (batch.caughtUp && !state.caughtUp) {
        state = { ...state, caughtUp: true };
        await readStore.dropOlder();
      }
    }
  };

  /** Until the signal aborts or another process leads. */
  const lead = async (lease: Lease, signal: AbortSignal): Promise<void> => {
    const leading = AbortSignal.any([signal, lease.lost]);
    try {
      while (!leading.aborted) await followFrom(await restart(), leading);
    } finally {
      await lease.release();
      state = { ...state, caughtUp: false };
    }
  };

  const leadIfNobodyElse = async (signal: AbortSignal): Promise<void> => {
    try {
      const lease = await leadership.tryAcquire();
      state = { ...state, standby: lease === null, failure: null };
      if (lease !== null) await lead(lease, signal);
    } catch (error) {
      if (!isSnapkeepError(error, 'STORE_UNAVAILABLE')) throw error;
      state = { ...state, failure: error };
    }
  };

  return {
    async run(signal) {
      state = { running: true, caughtUp: false, standby: false, failure: null };
      try {
        while (!signal.aborted) {
          await leadIfNobodyElse(signal);
          await pause(askAgainEveryMs, null, { signal, ref: false }).catch(() => null);
        }
      } catch (error) {
        state = { ...state, failure: named(error, watch.current()) };
      } finally {
        state = { ...state, running: false };
        watch.ended();
      }
    },
    state: () => ({ ...state, checkpoint: watch.current() }),
    waitFor: async (position, timeoutMs) => watch.waitFor(position, state.failure === null ? timeoutMs : 0),
    onCheckpoint: (listener) => watch.listen(listener),
  };
}

/** A checkpoint behind the log's end would wait in silence for events that were already counted. */
async function assertWithin(store: EventStore, checkpoint: Position | null): Promise<void> {
  if (checkpoint === null) return;
  const head = await store.head();
  if (head !== null && checkpoint <= head) return;
  throw new SnapkeepError('POSITION_FOREIGN', `starting the projector: the read store's checkpoint ${checkpoint} lies behind the log's end, `
    + `${head ?? 'which is empty'}: the log was set back or replaced; stop the process and delete the read store, which is then rebuilt`, {
    details: { checkpoint, head },
  });
}

function named(error: unknown, checkpoint: Position | null): SnapkeepError {
  if (isSnapkeepError(error)) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return new SnapkeepError('STORE_CORRUPT', `projecting behind ${checkpoint ?? 'the start of the log'}: ${cause}; see that the read store's disk `
    + 'can be written and restart the process, or delete the read store, which is then rebuilt', { details: { checkpoint }, cause: error });
}
