// What a worker runs now, by kind and key: starts what is due within each kind's bound, and no item twice.
// Knows nothing of what the items are, nor of when they are looked at again.
import type { Logger } from 'pino';
import type { Position } from '../../events/event-store.js';

/** What a run appended last; null where it appended nothing. Until the worker has seen it, its table is older than the run. */
export type RunEnd = Position | null;

/** Runs of one kind: how many there may be, and what is open. */
export interface DueRuns<Kind extends string, Item> {
  readonly kind: Kind;
  readonly parallel: number;
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  /** On the monotonic clock; `notBefore` by default. */
  readonly dueAt?: (item: Item) => number;
  readonly start: (item: Item) => Promise<RunEnd>;
  /** What was refused is not due before; moves `notBefore` by default. */
  readonly putOff?: (item: Item, until: number) => void;
}

export interface Runs<Kind extends string> {
  /** Starts what is due, within the bound; gives when the others are. */
  runDue<Item extends { notBefore: number }>(due: DueRuns<Kind, Item>, now: number): number[];
  running(kind: Kind): number;
  /** The table is as new as this. */
  seen(position: Position): void;
  /** Resolves when all that runs now has ended. */
  ended(): Promise<void>;
}

export interface RunsParts {
  readonly monotonicMs: () => number;
  readonly log: Logger;
  /** A run has ended. */
  readonly onEnd: () => void;
}

const refusedPauseMs = 1_000;

function putOffItem(item: { notBefore: number }, until: number): void {
  item.notBefore = until;
}

export function createRuns<Kind extends string>({ monotonicMs, log, onEnd }: RunsParts): Runs<Kind> {
  /** By `<kind> <key>`. */
  const runs = new Map<string, { readonly kind: Kind; readonly ended: Promise<void> }>();
  /** Runs that ended, until the table has seen what they appended. */
  const unseen = new Map<string, Position>();
  let seenPosition: Position = '';

  const running = (kind: Kind): number => [...runs.values()].filter((run) => run.kind === kind).length;
  const run = (kind: Kind, key: string, started: Promise<RunEnd>, refused: () => void): void => {
    const ended = started.then((end) => {
      if (end === null) refused();
      else if (end > seenPosition) unseen.set(key, end);
    }, (error: unknown) => {
      log.error({ err: error, work: key }, 'work ended unexpectedly; it is tried again');
      refused();
    }).finally(() => {
      runs.delete(key);
      onEnd();
    });
    runs.set(key, { kind, ended });
  };

  return {
    runDue({ kind, parallel, items, keyOf, start, dueAt = ({ notBefore }) => notBefore, putOff = putOffItem }, now) {
      const idle = items.map((item) => ({ item, key: `${kind} ${keyOf(item)}` })).filter(({ key }) => !runs.has(key) && !unseen.has(key));
      return idle.map(({ item, key }) => {
        const due = dueAt(item);
        if (due > now) return due;
        // What waits for a place is looked at when a run ends.
        if (running(kind) >= parallel) return Infinity;
        run(kind, key, start(item), () => putOff(item, monotonicMs() + refusedPauseMs));
        return Infinity;
      });
    },
    running,
    seen(position) {
      seenPosition = position;
      for (const [key, end] of unseen) if (end <= position) unseen.delete(key);
    },
    async ended() {
      await Promise.all([...runs.values()].map(({ ended }) => ended));
    },
  };
}
