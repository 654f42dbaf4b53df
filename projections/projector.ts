// Follows the log and keeps the read store up to it: batches of what is at hand, rows and checkpoint in one commit.
// Not the translation: see projection.ts. Stops by name at what it cannot show, and never skips.
import { SnapkeepError, isSnapkeepError } from '../events/errors.js';
import type { EventStore, Position } from '../events/event-store.js';
import { createCheckpointWatch } from './checkpoint-watch.js';
import { eventBatches } from './event-batches.js';
import { applyBatch, batchSize } from './projector-batch.js';
import type { ReadStore } from './read-store.js';

export interface ProjectorState {
  readonly running: boolean;
  /** Has shown everything that was in the log when it was reached. */
  readonly caughtUp: boolean;
  readonly checkpoint: Position | null;
  /** Why it stopped by itself; readiness shows it. */
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
}

export function createProjector({ store, readStore }: ProjectorOptions): Projector {
  const watch = createCheckpointWatch();
  let state = { running: false, caughtUp: false, failure: null as SnapkeepError | null };

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
      if (batch.caughtUp) state = { ...state, caughtUp: true };
    }
  };

  return {
    async run(signal) {
      state = { running: true, caughtUp: false, failure: null };
      try {
        while (!signal.aborted) await followFrom(await restart(), signal);
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
