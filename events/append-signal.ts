// Wakes those who wait for the log to grow, within one process. Carries no events: who wakes up reads the log.

export interface AppendSignal {
  /** Settles at the next `ring` or when `signal` aborts, never with an error. */
  readonly next: (signal: AbortSignal) => Promise<void>;
  readonly ring: () => void;
}

export function createAppendSignal(): AppendSignal {
  const sleepers = new Set<() => void>();
  return {
    next: (signal) => new Promise((resolve) => {
      const wake = (): void => {
        sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      sleepers.add(wake);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    }),
    ring: () => [...sleepers].forEach((wake) => wake()),
  };
}
