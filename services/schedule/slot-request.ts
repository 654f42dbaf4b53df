// Asks a cluster's ledger for the snapshot of one slot. Whether the slot was asked for before is the ledger's to say.
import type { CommandHandler } from '../ledger/command-handler.js';
import { snapshotIdOf, snapshotName } from '../snapshots/snapshot-name.js';
import type { SlotOutcome } from './scheduler.js';

export interface SlotRequestParts {
  readonly commands: CommandHandler;
  readonly now: () => string;
  readonly newUlid: () => string;
}

/** `early` where our clock has not reached the slot; a refusal (asked before, recurrence off, cluster removed) settles it. */
export function slotRequest({ commands, now, newUlid }: SlotRequestParts) {
  return async (clusterId: string, slot: string): Promise<SlotOutcome> => {
    if (now() < slot) return 'early';
    const ulid = newUlid();
    const snapshotId = snapshotIdOf(clusterId, ulid);
    const command = {
      type: 'RequestSnapshot' as const, snapshotId, name: snapshotName(slot, ulid, null), kind: 'RECURRING' as const,
      slot, givenName: null, idempotencyKey: null, now: now(),
    };
    await commands.executeCluster(clusterId, command, { actor: 'scheduler', correlationId: snapshotId, causationId: `slot:${slot}` });
    return 'settled';
  };
}
