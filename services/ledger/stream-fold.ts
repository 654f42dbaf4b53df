// The folded state of streams, kept for the most recently used ones so that each event is read once.
// Knows nothing of commands. Not safe for two readers of one stream at a time: the writer puts them in a row.
import type { DomainEvent } from '../../events/catalogue.js';
import type { EventStore, Position } from '../../events/event-store.js';

export interface Folded<S> {
  readonly state: S;
  /** Revision and position of the last event folded in; -1 and null for a stream without events. */
  readonly revision: number;
  readonly position: Position | null;
}

export interface StreamFold<S> {
  /** The state as of now: what is kept, and the events since. */
  read(stream: string): Promise<Folded<S>>;
  /** Keeps the state behind events that were just appended; `position` is the last one's. */
  append(stream: string, before: Folded<S>, appended: { readonly events: readonly DomainEvent[]; readonly position: Position }): Folded<S>;
}

export interface FoldRules<S> {
  readonly store: EventStore;
  readonly initialState: () => S;
  readonly evolve: (state: S, event: DomainEvent, revision: number) => S;
  /** Events at most behind the states kept, over all streams: what a state takes grows with them. The stream read last is kept in any case. */
  readonly capacity: number;
}

export function createStreamFold<S>({ store, initialState, evolve, capacity }: FoldRules<S>): StreamFold<S> {
  const kept = new Map<string, Folded<S>>();
  let events = 0;
  const drop = (stream: string): void => {
    events -= (kept.get(stream)?.revision ?? -1) + 1;
    kept.delete(stream);
  };
  const keep = (stream: string, folded: Folded<S>): Folded<S> => {
    drop(stream);
    if (folded.revision < 0) return folded;
    kept.set(stream, folded);
    events += folded.revision + 1;
    for (const oldest of kept.keys()) {
      if (events <= capacity || oldest === stream) break;
      drop(oldest);
    }
    return folded;
  };
  return {
    async read(stream) {
      let folded = kept.get(stream) ?? { state: initialState(), revision: -1, position: null };
      for await (const { event, revision, position } of store.readStream(stream, folded.revision + 1)) {
        folded = { state: evolve(folded.state, event, revision), revision, position };
      }
      return keep(stream, folded);
    },
    append(stream, before, { events: appended, position }) {
      const state = appended.reduce((now, event, at) => evolve(now, event, before.revision + 1 + at), before.state);
      return keep(stream, { state, revision: before.revision + appended.length, position });
    },
  };
}
