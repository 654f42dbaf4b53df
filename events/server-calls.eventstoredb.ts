// How calls of EventStoreDB are made: each with a time limit of our own, and again with growing pauses while what failed may pass.
// Knows no call in particular.
import { setTimeout as pauseFor } from 'node:timers/promises';
import { serverFault, timedOut } from './server-errors.eventstoredb.js';

/** Settles as the call does, or rejects as a timeout, also when `signal` aborts; the call itself goes on unseen. */
export async function withinTime<T>(call: Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(timedOut(ms));
  const timer = setTimeout(giveUp, ms);
  signal?.addEventListener('abort', giveUp);
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

export interface Persistence {
  /** No try begins later than this after the first. */
  readonly withinMs: number;
  /** Ends the pauses, and with them the tries. */
  readonly signal: AbortSignal;
  /** Told of each try that failed and is made again. */
  readonly onFailedTry?: (error: unknown) => void;
}

/** Repeats the work while it fails in a way that may pass; rejects with its last error. */
export async function persistently<T>(work: () => Promise<T>, { withinMs, signal, onFailedTry }: Persistence): Promise<T> {
  const pauses = growingPauses();
  const givenUpAt = performance.now() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (serverFault(error) !== 'passing') throw error;
      onFailedTry?.(error);
      await pauses.next(signal);
      if (signal.aborted || performance.now() > givenUpAt) throw error;
    }
  }
}

export interface GrowingPauses {
  /** 50 ms × 2^n up to 2 s, less a random part, so that many clients do not come back at once; ends early when `signal` aborts. */
  next(signal: AbortSignal): Promise<void>;
  reset(): void;
}

export function growingPauses(): GrowingPauses {
  let taken = 0;
  return {
    async next(signal) {
      const ms = Math.min(2000, 50 * 2 ** taken) * (1 - Math.random() / 2);
      taken = Math.min(taken + 1, 10);
      // An abort ends the pause and is no error here: whoever pauses asks the signal next.
      await pauseFor(ms, undefined, { signal }).catch(() => undefined);
    },
    reset() {
      taken = 0;
    },
  };
}
