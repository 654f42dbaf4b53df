// When a prune is tried again, and what is none of its failures. That files are gone is tested where they are: target.contract.ts, test/.
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { SnapkeepError } from '../../events/errors.js';
import type { ClusterCommand } from '../ledger/cluster-commands.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import { initialState } from '../ledger/cluster-state.js';
import { reject } from '../ledger/rejection.js';
import type { OpenPrune } from './open-work.js';
import { runPrune } from './prune-run.js';
import { StepFailure } from './step-failure.js';

async function pruned(error: Error, failures = 0): Promise<readonly ClusterCommand[]> {
  const told: ClusterCommand[] = [];
  const executeCluster: CommandHandler['executeCluster'] = async (_, command) => {
    told.push(command);
    return { outcome: 'rejected', state: initialState(), rejection: reject('NOT_FOUND', 'this cluster does not exist') };
  };
  const intent: OpenPrune['intent'] = { snapshotId: 'a.1', targetId: 's3', node: null, storedOn: null, keys: [], reason: 'RETENTION' };
  const targets = { openTarget: () => Promise.reject(error) };
  await runPrune({ commands: { executeCluster }, worker: 'w', targets, log: pino({ level: 'silent' }) }, { clusterId: 'a', intent, failures, notBefore: 0 });
  return told;
}

test.each([[0, 5_000], [3, 40_000], [20, 3_600_000]])('after %i failures it is tried again in %i ms: a lock may last, and each failure stays in the log', async (failures, ms) => {
  const locked = new StepFailure('REMOVE', 'OBJECT_LOCKED', 'kept until next year');
  expect(await pruned(locked, failures)).toMatchObject([{ type: 'RecordPruneFailed', failure: { code: 'OBJECT_LOCKED' }, retryAfterMs: ms }]);
});

test('a store of Snapkeep\'s own that is away is no failure of the prune', async () => {
  const away = new SnapkeepError('STORE_UNAVAILABLE', 'Vault in MongoDB: gone');
  await expect(pruned(away)).rejects.toBe(away);
});
