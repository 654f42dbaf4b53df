// Watches one copy: whoever stores it must take bytes that are there, or end, within a bound. Waiting for the source does not count.
// A decorator of the store; what hangs is let go, and what it may leave is found by a sweep.
import type { CopySource } from '../targets/copy-source.js';
import { StepFailure } from './step-failure.js';

export interface CopyBounds {
  readonly signal: AbortSignal;
  /** How long a copy may make no progress. */
  readonly stallMs: number;
}

/** What `store` comes to; rejects with COPY_STALLED, and aborts the signal that `store` was given, when it makes no progress. */
export async function watched<T>(
  source: CopySource, { signal, stallMs }: CopyBounds, store: (source: CopySource, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stalled = Promise.withResolvers<never>();
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    const failure = new StepFailure('COMMIT', 'COPY_STALLED', `The target took nothing for ${stallMs / 1000} s, though there was something to store: `
      + 'look at its load and the way to it. The copy is made up for later.');
    ending.abort(failure);
    stalled.reject(failure);
  };
  const sourcesTurn = (): void => clearTimeout(timer);
  const storesTurn = (): void => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, stallMs);
  };
  async function* read(until: AbortSignal): AsyncGenerator<Uint8Array> {
    sourcesTurn();
    try {
      for await (const piece of source.read(until)) {
        storesTurn();
        yield piece;
        sourcesTurn();
      }
    } finally {
      storesTurn();
    }
  }
  const verified = async () => {
    sourcesTurn();
    return source.verified().finally(storesTurn);
  };
  storesTurn();
  try {
    return await Promise.race([store({ ...source, read, verified }, AbortSignal.any([signal, ending.signal])), stalled.promise]);
  } finally {
    ending.abort();
    clearTimeout(timer);
  }
}
