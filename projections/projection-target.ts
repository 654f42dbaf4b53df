// Target events → the target's row. A pure translation: no clock, no calls.
// Not the target `local`, which has no events: the read store puts it.
import type { StoredEvent } from '../events/event-store.js';
import type { TargetEvent, TargetEventOf } from '../events/target-events.js';
import type { TargetRow } from './read-model.js';

export function createdTarget({ targetId, name, kind, path }: TargetEventOf<'TargetCreated'>['data']): TargetRow {
  return { targetId, name, kind, path, retiredAt: null };
}

export function targetAfter(row: TargetRow, event: TargetEvent, { time }: Pick<StoredEvent, 'time'>): TargetRow {
  switch (event.type) {
    case 'TargetCreated':
      return row;
    case 'TargetUpdated':
      return { ...row, name: event.data.name };
    case 'TargetRetired':
      return { ...row, retiredAt: time };
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}
