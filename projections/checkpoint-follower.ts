// How far a read store is that other processes fill: asks for its checkpoint often while somebody waits or listens, and seldom else.
// Gives the same answers as a projector does of its own commits; writes nothing.
import { setTimeout as pause } from 'node:timers/promises';
import { SnapkeepError, isSnapkeepError } from '../events/errors.js';
import type { EventStore, Position } from '../events/event-store.js';
import { createCheckpointWatch } from './checkpoint-watch.js';
import type { Projector } from './projector.js';
import type { ReadStore } from './read-store.js';

export interface CheckpointFollowerOptions {
  readonly store: EventStore;
  readonly readStore: ReadStore;
}

const askEveryMs = 100;
/** So that readiness knows. */
const idleEveryMs = 2_000;

/** `state().failure` is why it could not ask the last time; it goes on asking. `caughtUp` once the rows show what was in the log at first. */
export function createCheckpointFollower({ store, readStore }: CheckpointFollowerOptions): Projector {
  const watch = createCheckpointWatch();
  let state = { running: false, caughtUp: false, failure: null as SnapkeepError | null };
  let wake = (): void => undefined;

  const ask = async (goal: Position | null): Promise<void> => {
    const checkpoint = await readStore.checkpoint();
    if (checkpoint !== null && checkpoint !== watch.current()) watch.moved(checkpoint);
    const caughtUp = state.caughtUp || goal === null || (checkpoint !== null && checkpoint >= goal);
    state = { ...state, caughtUp, failure: null };
  };
  const rest = async (signal: AbortSignal): Promise<void> => {
    const { promise: woken, resolve } = Promise.withResolvers<null>();
    if (!watch.isAwaited()) wake = () => resolve(null);
    await Promise.race([pause(watch.isAwaited() ? askEveryMs : idleEveryMs, null, { signal, ref: false }).catch(() => null), woken]);
  };

  return {
    async run(signal) {
      state = { running: true, caughtUp: false, failure: null };
      let goal: Position | null | undefined;
      while (!signal.aborted) {
        try {
          goal = goal === undefined ? await store.head() : goal;
          await ask(goal);
        } catch (error) {
          state = { ...state, failure: named(error) };
        }
        await rest(signal);
      }
      state = { ...state, running: false };
      watch.ended();
    },
    state: () => ({ ...state, standby: false, checkpoint: watch.current() }),
    waitFor(position, timeoutMs) {
      const waiting = watch.waitFor(position, timeoutMs);
      wake();
      return waiting;
    },
    onCheckpoint(listener) {
      const leave = watch.listen(listener);
      wake();
      return leave;
    },
  };
}

function named(error: unknown): SnapkeepError {
  if (isSnapkeepError(error)) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return new SnapkeepError('STORE_UNAVAILABLE', `asking the read store for its checkpoint: ${cause}; it is asked again`, { cause: error });
}
