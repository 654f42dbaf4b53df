// Hands what one side pushes as it comes to one side that pulls at its own pace, and tells the pusher when to pause.
// Bounded by the pusher's obedience only: it never refuses a piece.

export interface PieceQueue {
  push(piece: Uint8Array): void;
  /** No more will come: `null` for a good end; the first call counts. Pieces that nobody took yet are dropped with a failure. */
  end(failure: Error | null): void;
  pieces(): AsyncGenerator<Uint8Array, void, void>;
}

export interface PieceQueueOptions {
  /** Bytes waiting at which `onFull` is called once. */
  readonly highWater: number;
  readonly onFull: () => void;
  /** The waiting pieces were taken after `onFull`. */
  readonly onDrained: () => void;
  /** The puller has stopped, at the end or before it. */
  readonly onLeft: () => void;
}

export function createPieceQueue(options: PieceQueueOptions): PieceQueue {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let full = false;
  let ended = false;
  let failure: Error | null = null;
  let wake: (() => void) | null = null;

  const notify = (): void => {
    wake?.();
    wake = null;
  };
  const takeAll = (): Uint8Array[] => {
    const batch = waiting;
    waiting = [];
    waitingBytes = 0;
    if (full) {
      full = false;
      options.onDrained();
    }
    return batch;
  };
  async function* batches(): AsyncGenerator<Uint8Array[], void, void> {
    while (!ended || waiting.length > 0) {
      if (waiting.length > 0) yield takeAll();
      else await new Promise<void>((resolve) => { wake = resolve; });
    }
  }
  async function* each(): AsyncGenerator<Uint8Array, void, void> {
    for await (const batch of batches()) {
      for (const piece of batch) {
        if (failure) throw failure;
        yield piece;
      }
    }
    if (failure) throw failure;
  }
  return {
    push(piece) {
      if (ended) return;
      waiting.push(piece);
      waitingBytes += piece.length;
      if (waitingBytes >= options.highWater && !full) {
        full = true;
        options.onFull();
      }
      notify();
    },
    end(reason) {
      if (ended) return;
      ended = true;
      failure = reason;
      if (reason) waiting = [];
      notify();
    },
    async* pieces() {
      try {
        yield* each();
      } finally {
        options.onLeft();
      }
    },
  };
}
