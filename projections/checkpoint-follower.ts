// How far a read store is that other processes fill: asks for its checkpoint often while somebody waits or listens, and seldom else.
// Gives the same answers as a projector does of its own commits; writes nothing. Follows the log only to notice that it was set back or replaced.
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

/**
 * `state().failure` is why it could not ask the last time; it goes on asking, unless the log cannot be followed any more, which stops it.
 * `caughtUp` once the rows show what was in the log at first.
 */
export function createCheckpointFollower({ store, readStore }: CheckpointFollowerOptions): Projector {
  const watch = createCheckpointWatch();
  let state = { running: false, caughtUp: false, failure: null as SnapkeepError | null };
  let wake = (): void => undefined;
  /** Why the log cannot be followed any more. */
  let lost: SnapkeepError | null = null;

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
      lost = null;
      const ending = new AbortController();
      const until = AbortSignal.any([signal, ending.signal]);
      let goal: Position | null | undefined;
      let followed = Promise.resolve();
      while (!until.aborted) {
        try {
          if (goal === undefined) {
            const checkpoint = await readStore.checkpoint();
            goal = await store.head();
            // From behind its end the log cannot be followed: rows that are there are not of this log.
            followed = passEvents(store, later(checkpoint, goal), until).catch((error: unknown) => {
              lost = namedLoss(error);
              ending.abort();
            });
          }
          await ask(goal);
        } catch (error) {
          state = { ...state, failure: named(error) };
        }
        await rest(until);
      }
      await followed;
      state = { ...state, running: false };
      watch.ended();
    },
    state: () => ({ ...state, failure: lost ?? state.failure, standby: false, checkpoint: watch.current() }),
    waitFor(position, timeoutMs) {
      const waiting = watch.waitFor(position, lost === null ? timeoutMs : 0);
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

const later = (one: Position | null, other: Position | null): Position | null => (one !== null && (other === null || one > other) ? one : other);

/** Other parts of the process keep states of this log and would go on deciding by them. */
async function passEvents(store: EventStore, after: Position | null, signal: AbortSignal): Promise<void> {
  for await (const _ of store.follow({ after: after ?? undefined, signal }));
}

function namedLoss(error: unknown): SnapkeepError {
  if (isSnapkeepError(error)) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return new SnapkeepError('STORE_CORRUPT', `following the event log: ${cause}; see that it can be read and restart the process`, { cause: error });
}

function named(error: unknown): SnapkeepError {
  if (isSnapkeepError(error)) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return new SnapkeepError('STORE_UNAVAILABLE', `asking the read store for its checkpoint: ${cause}; it is asked again`, { cause: error });
}
