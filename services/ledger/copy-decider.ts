// Decides on copies after a run: repairs, verification, pins, deletions and how prunes end.
// Not on how a run's own copies come about: see attempt-decider.ts.
import type { ClusterEvent } from '../../events/cluster-events.js';
import { isVerified } from '../retention/retention.js';
import { evolveAll } from './cluster-fold.js';
import type { ClusterState } from './cluster-state.js';
import { hasLeft } from './cluster-state.js';
import type { Decision, Deciders } from './decision.js';
import { onSnapshot } from './decision.js';
import type { Rejection } from './rejection.js';
import { reject } from './rejection.js';
import { pruneIntent, retentionIntents } from './retention-intents.js';
import type { CopyPlace, CopyState, SnapshotState } from './snapshot-state.js';
import { findCopy } from './snapshot-state.js';

export const copyDeciders: Deciders<
  | 'RecordCopyStored' | 'RecordCopyFailed' | 'RecordVerified' | 'PinSnapshot' | 'UnpinSnapshot' | 'DeleteSnapshot'
  | 'RecordPruned' | 'RecordPruneFailed'
> = {
  RecordCopyStored: (state, { snapshotId, copy }) =>
    onCopy(state, { ...copy, snapshotId }, (known, snapshot) => {
      if (known.state === 'STORED' && known.stored?.location === copy.location) return [];
      const stored: ClusterEvent = { type: 'SnapshotCopyStored', data: { snapshotId, copy } };
      return repairFault(known, snapshot) ?? withRetention(state, stored, { ...copy, snapshotId });
    }),
  RecordCopyFailed: (state, { snapshotId, targetId, node, failure, retryAfterMs }) =>
    onCopy(state, { snapshotId, targetId, node }, (known, snapshot) =>
      repairFault(known, snapshot) ?? [{ type: 'SnapshotCopyFailed', data: { snapshotId, targetId, node, failure, retryAfterMs } }]),
  RecordVerified: (state, { snapshotId, targetId, node, level }) =>
    onCopy(state, { snapshotId, targetId, node }, ({ state: copyState, stored }) => {
      if (copyState !== 'STORED' || !stored) return reject('CONFLICT', `${copyName({ snapshotId, targetId, node })} is ${copyState}, not stored`);
      const verified: ClusterEvent = { type: 'SnapshotVerified', data: { snapshotId, targetId, node, level } };
      const counts = !isVerified(stored.verification) && isVerified(level);
      return counts ? withRetention(state, verified, { snapshotId, targetId, node }) : [verified];
    }),
  PinSnapshot: (state, { snapshotId }) =>
    onSnapshot(state, snapshotId, (snapshot) => {
      if (snapshot.pinned) return [];
      return pinFault(snapshot) ?? [{ type: 'SnapshotPinned', data: { snapshotId } }];
    }),
  UnpinSnapshot: (state, { snapshotId }) =>
    onSnapshot(state, snapshotId, ({ pinned }) => (pinned ? [{ type: 'SnapshotUnpinned', data: { snapshotId } }] : [])),
  DeleteSnapshot: (state, { snapshotId }) => onSnapshot(state, snapshotId, (snapshot) => deleted(state, snapshot)),
  RecordPruned: (state, { snapshotId, targetId, node }) =>
    onCopy(state, { snapshotId, targetId, node }, ({ state: copyState, pruneReason: reason }) => {
      if (copyState === 'PRUNED') return [];
      if (copyState === 'PRUNING' && reason) return [{ type: 'SnapshotPruned', data: { snapshotId, targetId, node, reason } }];
      return reject('CONFLICT', `no prune of ${copyName({ snapshotId, targetId, node })} was asked for: it is ${copyState}`);
    }),
  RecordPruneFailed: (state, { snapshotId, targetId, node, failure, retryAfterMs }) =>
    onCopy(state, { snapshotId, targetId, node }, ({ state: copyState }) => {
      if (copyState === 'PRUNED') return [];
      if (copyState === 'PRUNING') return [{ type: 'SnapshotPruneFailed', data: { snapshotId, targetId, node, failure, retryAfterMs } }];
      return reject('CONFLICT', `no prune of ${copyName({ snapshotId, targetId, node })} was asked for: it is ${copyState}`);
    }),
};

interface CopyRef extends CopyPlace { readonly snapshotId: string }

const copyName = ({ snapshotId, targetId, node }: CopyRef): string =>
  `the copy of ${snapshotId} on target ${targetId}${node === null ? '' : `, node ${node}`}`;

function onCopy(state: ClusterState, ref: CopyRef, decideOn: (copy: CopyState, snapshot: SnapshotState) => Decision): Decision {
  return onSnapshot(state, ref.snapshotId, (snapshot) => {
    const copy = findCopy(snapshot, ref);
    return copy ? decideOn(copy, snapshot) : reject('NOT_FOUND', `${copyName(ref)} does not exist, or its snapshot still runs`);
  });
}

/** Only a copy that failed is repaired, and not once that was given up or the user asked for the snapshot's deletion. */
function repairFault({ state, targetId, givenUp }: CopyState, { snapshotId, deleted: isDeleted }: SnapshotState): Rejection | null {
  if (isDeleted) return reject('CONFLICT', `snapshot ${snapshotId} is being deleted; withdraw the copy`);
  if (givenUp) return reject('CONFLICT', `the copy of ${snapshotId} on target ${targetId} was given up meanwhile; withdraw it`);
  return state === 'FAILED' ? null : reject('CONFLICT', `the copy of ${snapshotId} on target ${targetId} is ${state}; there is nothing to repair`);
}

function withRetention(state: ClusterState, event: ClusterEvent, ref: CopyRef): Decision {
  return [event, ...retentionIntents(evolveAll(state, [event]), ref.snapshotId, [ref])];
}

function pinFault({ snapshotId, copies, phase, outcome }: SnapshotState): Rejection | null {
  if (copies.some(({ state }) => state === 'PRUNING')) {
    return reject('IN_PROGRESS', `snapshot ${snapshotId} is being deleted; it is too late to pin it`, ['id']);
  }
  if (phase !== 'ENDED' || copies.some(({ state }) => state === 'STORED')) return null;
  return reject('CONFLICT', `snapshot ${snapshotId} (${outcome}) has no stored copy that a pin could keep`, ['id']);
}

/** Again for one that is going or gone is no fault, and gives up what a node that left meanwhile was to delete. */
function deleted(state: ClusterState, { snapshotId, phase, outcome, pinned, copies }: SnapshotState): Decision {
  if (pinned) return reject('PINNED', `snapshot ${snapshotId} is pinned; unpin it first`, ['id']);
  if (phase !== 'ENDED') return reject('IN_PROGRESS', `snapshot ${snapshotId} has not ended; delete it when it has`, ['id']);
  if (copies.every((copy) => copy.state === 'FAILED')) {
    return reject('CONFLICT', `snapshot ${snapshotId} (${outcome}) has no stored copy that could be deleted`, ['id']);
  }
  const intents = copies.filter((copy) => copy.state === 'STORED').map((copy) => pruneIntent(snapshotId, copy, 'DELETED'));
  return [...intents, ...copies.filter((copy) => isOutOfReach(state, copy)).map((copy) => abandoned(snapshotId, copy))];
}

/** On the disk of a node that left, where nobody would ever carry the deletion out. */
const isOutOfReach = (state: ClusterState, { state: copyState, node }: CopyState): boolean =>
  node !== null && (copyState === 'STORED' || copyState === 'PRUNING') && hasLeft(state, node);

const abandoned = (snapshotId: string, { targetId, node }: CopyState): ClusterEvent =>
  ({ type: 'SnapshotPruned', data: { snapshotId, targetId, node, reason: 'ABANDONED' } });
