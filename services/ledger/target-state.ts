// What one target's stream amounts to, and how each event changes it. Pure.
// Where its copies are is the clusters' ledgers' matter.
import type { TargetEvent } from '../../events/target-events.js';

export interface TargetState {
  /** Null until created. */
  readonly targetId: string | null;
  readonly name: string;
  readonly path: string;
  readonly retired: boolean;
}

export const initialTargetState = (): TargetState => ({ targetId: null, name: '', path: '', retired: false });

export function evolveTarget(state: TargetState, event: TargetEvent): TargetState {
  switch (event.type) {
    case 'TargetCreated':
      return { targetId: event.data.targetId, name: event.data.name, path: event.data.path, retired: false };
    case 'TargetUpdated':
      return { ...state, name: event.data.name };
    case 'TargetRetired':
      return { ...state, retired: true };
    default: {
      const missed: never = event;
      return missed;
    }
  }
}
