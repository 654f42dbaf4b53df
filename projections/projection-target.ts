// Target events → the target's row. A pure translation: no clock, no calls.
// The target `local` has no events: its row is made here, and the read store puts it.
import type { StoredEvent } from '../events/event-store.js';
import { type S3Settings, type TargetEvent, type TargetEventOf, localTargetId, plainEncoding } from '../events/target-events.js';
import type { S3TargetRow, TargetRow } from './read-model.js';

export function createdTarget(data: TargetEventOf<'TargetCreated'>['data'], { position }: Pick<StoredEvent, 'position'>): TargetRow {
  if (data.kind === 'LOCAL') return { ...data, retiredAt: null, position };
  const { settings, ...rest } = data;
  return { ...rest, ...shown(settings), retiredAt: null, position };
}

export function targetAfter(row: TargetRow, event: TargetEvent, { time }: Pick<StoredEvent, 'time'>): TargetRow {
  switch (event.type) {
    case 'TargetCreated':
      return row;
    case 'TargetUpdated': {
      const { name, encoding, settings } = event.data;
      return row.kind === 'LOCAL' || settings === null ? { ...row, name, encoding } : { ...row, name, encoding, ...shown(settings) };
    }
    case 'TargetRetired':
      return { ...row, retiredAt: time };
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

export function localTargetRow(path: string): TargetRow {
  return { targetId: localTargetId, name: localTargetId, kind: 'LOCAL', path, encoding: plainEncoding, retiredAt: null, position: '' };
}

/** Of a certificate and of keys, only whether there are any. */
function shown({ ca, secretRef, ...settings }: S3Settings): Omit<S3TargetRow, keyof TargetRow | 'bucket' | 'folder'> {
  return { ...settings, hasCustomCa: ca !== null, hasKeys: secretRef !== null };
}
