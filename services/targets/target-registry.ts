// From a target's id to the place itself: the target `local` by configuration, all others by their stream.
// Opens nothing: each use asks the place anew.
import { localTargetId } from '../../events/target-events.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import { StepFailure } from '../snapshots/step-failure.js';
import type { Target } from './target.js';

export interface TargetRegistry {
  /** Rejects with TARGET_RETIRED for a target that takes no more copies. */
  openForWriting(targetId: string): Promise<Target>;
  /** Also a retired target: what it holds stays readable and deletable. */
  openTarget(targetId: string): Promise<Target>;
}

export function targetRegistry(
  commands: CommandHandler, localPath: string, open: (place: { targetId: string; root: string }) => Target,
): TargetRegistry {
  const find = async (targetId: string): Promise<{ root: string; retired: boolean }> => {
    if (targetId === localTargetId) return { root: localPath, retired: false };
    const { targetId: known, path, retired } = await commands.targetState(targetId);
    if (known === null) throw new StepFailure('PREFLIGHT', 'TARGET_UNAVAILABLE', `there is no target '${targetId}'; name another in the policy`);
    return { root: path, retired };
  };
  return {
    async openForWriting(targetId) {
      const { root, retired } = await find(targetId);
      if (!retired) return open({ targetId, root });
      throw new StepFailure('PREFLIGHT', 'TARGET_RETIRED', `target '${targetId}' is retired and takes no more copies; name another in the policy`);
    },
    openTarget: async (targetId) => open({ targetId, root: (await find(targetId)).root }),
  };
}
