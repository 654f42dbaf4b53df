// Carries out one prune intent: deletes exactly the recorded keys, manifest first, and records that they are gone.
// Whether to delete was decided by the ledger; here it is only done, or has failed as a fact and is tried again.
import type { Logger } from 'pino';
import { isSnapkeepError } from '../../events/errors.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import type { TargetRegistry } from '../targets/target-registry.js';
import type { OpenPrune } from './open-work.js';
import { failureOf } from './failure-record.js';
import type { RunEnd } from './due-runs.js';

export interface PruneParts {
  readonly commands: Pick<CommandHandler, 'executeCluster'>;
  readonly worker: string;
  readonly targets: Pick<TargetRegistry, 'openTarget'>;
  readonly log: Logger;
}

const firstPauseMs = 5_000;
/** A lock of the bucket may last for weeks, and each failure stays in the log. */
const longestPauseMs = 3_600_000;

export async function runPrune({ commands, worker, targets, log }: PruneParts, prune: OpenPrune): Promise<RunEnd> {
  const { clusterId, intent: { snapshotId, targetId, node, keys } } = prune;
  const context = { actor: `worker:${worker}`, correlationId: snapshotId, causationId: `${snapshotId}/${targetId}/prune` };
  const copy = { snapshotId, targetId, node };
  try {
    const target = await targets.openTarget(targetId);
    await target.remove(keys);
  } catch (error) {
    // The stores of Snapkeep's own are no part of the target.
    if (isSnapkeepError(error)) throw error;
    const failure = failureOf(error, 'REMOVE');
    if (failure.code === 'UNEXPECTED') log.error({ clusterId, ...copy, err: error }, 'a prune met a defect');
    const retryAfterMs = Math.min(longestPauseMs, firstPauseMs * 2 ** prune.failures);
    const failed = await commands.executeCluster(clusterId, { type: 'RecordPruneFailed', ...copy, failure, retryAfterMs }, context);
    return failed.outcome === 'accepted' ? failed.position : null;
  }
  const pruned = await commands.executeCluster(clusterId, { type: 'RecordPruned', ...copy }, context);
  return pruned.outcome === 'accepted' ? pruned.position : null;
}
