// How far the read store is, for those who wait for it. In memory only: the read store keeps the checkpoint itself.
// Not a queue: a listener that comes late hears the next one.
import type { Position } from '../events/event-store.js';

export interface CheckpointWatch {
  current(): Position | null;
  moved(checkpoint: Position): void;
  /** No further checkpoint will come: those who wait give up. */
  ended(): void;
  waitFor(position: Position, timeoutMs: number): Promise<boolean>;
  listen(listener: (checkpoint: Position) => void): () => void;
  /** Somebody waits or listens. */
  isAwaited(): boolean;
}

export function createCheckpointWatch(): CheckpointWatch {
  let current: Position | null = null;
  const listeners = new Set<(checkpoint: Position) => void>();
  const waiting = new Map<() => void, Position>();
  const reached = (position: Position): boolean => current !== null && current >= position;
  return {
    current: () => current,
    moved(checkpoint) {
      current = checkpoint;
      listeners.forEach((listener) => listener(checkpoint));
      for (const [settle, position] of waiting) if (reached(position)) settle();
    },
    ended: () => waiting.forEach((_, settle) => settle()),
    waitFor: async (position, timeoutMs) => {
      if (reached(position)) return true;
      return new Promise((resolve) => {
        const settle = (): void => {
          clearTimeout(timer);
          waiting.delete(settle);
          resolve(reached(position));
        };
        const timer = setTimeout(settle, timeoutMs);
        waiting.set(settle, position);
      });
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isAwaited: () => waiting.size + listeners.size > 0,
  };
}
