// What one target's stream amounts to, all that opening the target needs, and how each event changes it. Pure.
// Where its copies are is the clusters' ledgers' matter.
import type { Encoding, S3Settings, TargetEvent } from '../../events/target-events.js';

/** Before its creation. */
interface NoTargetState {
  readonly targetId: null;
  readonly kind: null;
  readonly retired: false;
}

interface CreatedState {
  readonly targetId: string;
  readonly name: string;
  readonly encoding: Encoding;
  readonly retired: boolean;
}
export interface LocalTargetState extends CreatedState { readonly kind: 'LOCAL'; readonly path: string }
export interface S3TargetState extends CreatedState {
  readonly kind: 'S3';
  readonly bucket: string;
  /** '' or a prefix of all keys that ends in "/". */
  readonly folder: string;
  readonly settings: S3Settings;
}

export type TargetState = NoTargetState | LocalTargetState | S3TargetState;

export const initialTargetState = (): TargetState => ({ targetId: null, kind: null, retired: false });

export function evolveTarget(state: TargetState, event: TargetEvent): TargetState {
  if (event.type === 'TargetCreated') return { ...event.data, retired: false };
  // No writer puts anything before the creation.
  if (state.kind === null) return state;
  switch (event.type) {
    case 'TargetUpdated': {
      const { name, encoding, settings } = event.data;
      return state.kind === 'S3' ? { ...state, name, encoding, settings: settings ?? state.settings } : { ...state, name, encoding };
    }
    case 'TargetRetired':
      return { ...state, retired: true };
    default: {
      const missed: never = event;
      return missed;
    }
  }
}
