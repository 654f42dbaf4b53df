// Decides on requests: recurring slots (once each, never ahead of time, skipped while busy), manual ones (queued, idempotent by key).
// A slot that was requested or skipped before is settled: no events, so that a scheduler may ask twice.
import type { Part } from '../../events/cluster-events.js';
import { anyPart } from '../../events/snapshot-part.js';
import { localTargetId } from '../../events/target-events.js';
import type { RequestSnapshot } from './cluster-commands.js';
import type { ClusterState } from './cluster-state.js';
import { agentNodes, targetIdsOf } from './cluster-state.js';
import type { Decision, Deciders } from './decision.js';
import { removedFault } from './decision.js';
import { givenNameFault } from './registry-input.js';
import type { Rejection } from './rejection.js';
import { reject } from './rejection.js';

export const requestDeciders: Deciders<'RequestSnapshot'> = {
  RequestSnapshot: (state, command) => {
    const fault = removedFault(state) ?? shapeFault(state, command);
    if (fault) return fault;
    return command.slot === null ? manual(state, command) : recurring(state, command, new Date(command.slot).toISOString());
  },
};

/** The ledger's clock has not reached the slot: ask again then. Every other rejection of a slot is final. */
export const isEarlySlot = ({ rejected }: Rejection): boolean => rejected.code === 'CONFLICT' && rejected.path?.[0] === 'slot';

/** The snapshot that the key names, if it was used before. */
export const snapshotIdOfKey = (state: ClusterState, key: string): string | null => state.requestsByKey.get(key) ?? null;

function shapeFault({ clusterId }: ClusterState, { snapshotId, kind, slot, givenName }: RequestSnapshot): Rejection | null {
  const ours = `${clusterId}.`;
  if (!snapshotId.startsWith(ours)) return reject('INVALID_INPUT', `snapshot id ${snapshotId} does not begin with "${ours}"`, ['id']);
  if ((kind === 'RECURRING') !== (slot !== null) || (slot !== null && Number.isNaN(Date.parse(slot)))) {
    return reject('INVALID_INPUT', 'a recurring snapshot, and only such a one, answers a slot, given as RFC 3339 time', ['slot']);
  }
  return givenNameFault(givenName);
}

function recurring(state: ClusterState, command: RequestSnapshot, slot: string): Decision {
  if (state.slots.has(slot)) return [];
  if (!state.policy?.recurring.enabled) {
    return reject('CONFLICT', `slot ${slot} is void: recurring snapshots of cluster ${state.clusterId} are off; switch them on in its policy`);
  }
  if (Date.parse(slot) > Date.parse(command.now)) {
    return reject('CONFLICT', `slot ${slot} is later than now (${command.now}); ask again when it is due`, ['slot']);
  }
  if (state.running !== null) return [{ type: 'SnapshotSkipped', data: { slot, reason: 'SNAPSHOT_RUNNING' } }];
  if (state.openRecurring !== null) return [{ type: 'SnapshotSkipped', data: { slot, reason: 'REQUEST_OPEN' } }];
  return requested(state, command, slot);
}

function manual(state: ClusterState, command: RequestSnapshot): Decision {
  const { idempotencyKey: key, givenName } = command;
  const earlier = key === null ? null : snapshotIdOfKey(state, key);
  if (earlier === null) return requested(state, command, null);
  if (state.snapshots.get(earlier)?.givenName === givenName) return [];
  const message = `idempotency key "${key}" names snapshot ${earlier}, which was requested under another name; use a new key`;
  return reject('CONFLICT', message, ['idempotencyKey']);
}

function requested(state: ClusterState, command: RequestSnapshot, slot: string | null): Decision {
  const { snapshotId, name, kind, givenName, idempotencyKey } = command;
  if (state.snapshots.has(snapshotId)) return reject('ALREADY_EXISTS', `snapshot id ${snapshotId} is taken; make a new one`, ['id']);
  const data = { snapshotId, name, kind, slot, idempotencyKey, givenName, parts: partsOf(state) };
  return [{ type: 'SnapshotRequested', data }];
}

/** One part per node where agents store on their own disks, each of which may feed the other targets too; else one part for all. */
function partsOf(state: ClusterState): readonly Part[] {
  const targetIds = targetIdsOf(state);
  const nodes = targetIds.includes(localTargetId) ? agentNodes(state) : [];
  if (nodes.length === 0) return [{ part: anyPart, targetIds }];
  const others = targetIds.filter((id) => id !== localTargetId);
  return nodes.map((part) => ({ part, targetIds: [localTargetId, ...others] }));
}
