// Takes away what one attempt may have left: its spool here, and on its targets the exact keys of its folder.
// Which attempts those are is the worker's table to say: see open-work.ts and open-repairs.ts.
import type { TargetRegistry } from '../targets/target-registry.js';
import type { Leftover } from './open-work.js';
import type { SpoolRoom } from './spool-room.js';
import { isStepFailure } from './step-failure.js';

export interface SweepParts {
  readonly targets: Pick<TargetRegistry, 'openTarget'>;
  readonly spools: Pick<SpoolRoom, 'discard'>;
}

/** Rejects with the first target's failure, once all were tried; may be repeated. */
export async function sweepLeftover({ folder, targetIds }: Leftover, { targets, spools }: SweepParts): Promise<void> {
  await spools.discard(folder);
  const swept = await Promise.allSettled(targetIds.map((targetId) => sweepTarget(targetId, folder, targets)));
  for (const one of swept) if (one.status === 'rejected') throw one.reason;
}

async function sweepTarget(targetId: string, folder: string, targets: SweepParts['targets']): Promise<void> {
  try {
    await (await targets.openTarget(targetId)).sweep({ folder });
  } catch (error) {
    // Of a retired target whose keys were destroyed with its last copy: nobody can look there any more.
    if (!isStepFailure(error) || error.code !== 'SECRET_MISSING') throw error;
  }
}
