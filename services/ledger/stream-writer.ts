// The one write path: read, decide, append at the exact revision; decide again on a conflict, repeat the same append while in doubt.
// One command of a stream at a time in this process; other processes are fenced off by the revision.
import { setTimeout as pause } from 'node:timers/promises';
import type { DomainEvent } from '../../events/catalogue.js';
import { isSnapkeepError } from '../../events/errors.js';
import type { Appended, EventContext, EventStore, ExpectedRevision, NewEvent, Position } from '../../events/event-store.js';
import type { Rejection } from './rejection.js';
import { isRejection } from './rejection.js';
import type { Folded, StreamFold } from './stream-fold.js';

export type Executed<S> =
  | {
    readonly outcome: 'accepted';
    /** After the events. */
    readonly state: S;
    /** None where what was asked for was so already. */
    readonly events: readonly DomainEvent[];
    /** Of the stream's last event as of this state: a reader at or past it sees all of it. Null for a stream without events. */
    readonly position: Position | null;
  }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection; readonly state: S };

export interface StreamWriterParts<S> {
  readonly store: EventStore;
  readonly fold: StreamFold<S>;
  /** RFC 3339 UTC with milliseconds. */
  readonly now: () => string;
  /** A new UUID. */
  readonly newId: () => string;
}

export interface StreamWriter<S> {
  /** Throws APPEND_CONFLICT or IN_DOUBT when bounded retries did not settle it, and what else the store throws. */
  write(stream: string, decide: (state: S) => readonly DomainEvent[] | Rejection, context: EventContext): Promise<Executed<S>>;
  state(stream: string): Promise<S>;
}

const CONFLICT_PAUSES_MS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256];
const DOUBT_PAUSES_MS = [50, 200, 800];

export function createStreamWriter<S>({ store, fold, now, newId }: StreamWriterParts<S>): StreamWriter<S> {
  const queues = new Map<string, Promise<unknown>>();

  const inTurn = <R>(stream: string, work: () => Promise<R>): Promise<R> => {
    const turn = (queues.get(stream) ?? Promise.resolve()).then(work);
    const settled: Promise<void> = turn.then(() => undefined, () => undefined).then(() => {
      if (queues.get(stream) === settled) queues.delete(stream);
    });
    queues.set(stream, settled);
    return turn;
  };

  const attempt: StreamWriter<S>['write'] = async (stream, decide, context) => {
    const before = await fold.read(stream);
    const decision = decide(before.state);
    if (isRejection(decision)) return { outcome: 'rejected', rejection: decision, state: before.state };
    if (decision.length === 0) return accepted(before, decision);
    const time = now();
    const events = decision.map((event): NewEvent => ({ id: newId(), time, context, event }));
    const { position } = await appendSurely(store, stream, before.revision < 0 ? 'none' : before.revision, events);
    return accepted(fold.append(stream, before, { events: decision, position }), decision);
  };

  return {
    write: (stream, decide, context) => inTurn(stream, () => repeated(() => attempt(stream, decide, context), 'APPEND_CONFLICT', CONFLICT_PAUSES_MS)),
    state: async (stream) => (await inTurn(stream, () => fold.read(stream))).state,
  };
}

/** The same ids at the same revision, so that repeating it cannot write twice. */
function appendSurely(store: EventStore, stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended> {
  return repeated(() => store.append(stream, expected, events), 'IN_DOUBT', DOUBT_PAUSES_MS);
}

async function repeated<R>(work: () => Promise<R>, code: 'APPEND_CONFLICT' | 'IN_DOUBT', pausesMs: readonly number[]): Promise<R> {
  for (const ms of pausesMs) {
    try {
      return await work();
    } catch (error) {
      if (!isSnapkeepError(error, code)) throw error;
    }
    await pause(ms);
  }
  return work();
}

const accepted = <S>({ state, position }: Folded<S>, events: readonly DomainEvent[]): Executed<S> => ({
  outcome: 'accepted', state, events, position,
});
