// Events of a cluster's ledger → entries of its history, each with one readable sentence. A pure translation: no clock, no calls.
// Progress is not history.
import type { ClusterEvent, ClusterEventType, Failure } from '../events/cluster-events.js';
import type { StoredEvent } from '../events/event-store.js';
import { anyPart } from '../events/snapshot-part.js';
import type { HistoryRow } from './read-model.js';

type DataOf<T extends ClusterEventType> = Extract<ClusterEvent, { readonly type: T }>['data'];
type Envelope = Pick<StoredEvent, 'time' | 'context' | 'position'>;
type Entry = Exclude<ClusterEventType, 'SnapshotProgressed'>;

/** Null where the event is no history. */
export function historyEntry(clusterId: string, event: ClusterEvent, envelope: Envelope): HistoryRow | null {
  if (event.type === 'SnapshotProgressed') return null;
  const snapshotId = 'snapshotId' in event.data ? event.data.snapshotId : null;
  const { position, time: at, context: { actor } } = envelope;
  return { clusterId, position, type: event.type, at, actor, summary: summaryOf(event), snapshotId, data: event.data };
}

const sentences: { readonly [T in Entry]: (data: DataOf<T>) => string } = {
  ClusterRegistered: ({ clusterId, legacy }) => `Cluster ${clusterId} was registered${legacy ? ' without a policy' : ''}.`,
  ClusterUpdated: ({ name, connection }) => `The cluster is now named "${name}" and reached at ${connection.endpoints.join(', ')}.`,
  ClusterRemoved: () => 'The cluster was removed; its snapshots stay.',
  MembersObserved: ({ members }) =>
    `Observed ${counted(members.length, 'etcd member')}: ${members.map(({ name, memberId }) => name || memberId).join(', ')}.`,
  AgentJoined: ({ node, worker, endpoint }) => `Worker ${worker} joined as the agent of node ${node} (${endpoint}).`,
  AgentLeft: ({ node, worker }) => `Worker ${worker} is no longer the agent of node ${node}.`,
  PolicyUpdated: ({ revision, targetIds, recurring, retentionCount }) =>
    `Policy revision ${revision}: ${planOf(recurring)}, keep ${retentionCount} on ${targetIds.join(', ')}.`,
  SnapshotRequested: ({ name, kind, slot }) => (kind === 'MANUAL'
    ? `Snapshot ${name} was requested by hand.` : `Recurring snapshot ${name} was requested for the slot ${slot ?? 'unknown'}.`),
  SnapshotSkipped: ({ slot, reason }) =>
    `The slot ${slot} was skipped because ${reason === 'REQUEST_OPEN' ? 'a recurring request was still open' : 'a snapshot was running'}.`,
  SnapshotStarted: ({ part, attempt, worker }) => `Worker ${worker} started attempt ${attempt}${partName(part)}.`,
  SnapshotPartTaken: ({ part, attempt, facts }) =>
    `Attempt ${attempt}${partName(part)} read ${counted(facts.keyCount, 'key')} at revision ${facts.revision} from ${facts.member}.`,
  SnapshotPartFailed: ({ part, attempt, failure, retryAfterMs }) =>
    `Attempt ${attempt}${partName(part)} failed ${failed(failure)}; ${next(retryAfterMs, 'that was the last attempt')}.`,
  SnapshotTaken: ({ outcome, facts, copies, failedCopies }) => {
    const stored = `Snapshot of ${facts.takenAt} stored on ${copies.map(placeOf).join(', ')}`;
    return outcome === 'TAKEN' ? `${stored}.` : `${stored}; not yet on ${failedCopies.map(placeOf).join(', ')}.`;
  },
  SnapshotFailed: ({ failure }) => `The snapshot failed ${failed(failure)}.`,
  SnapshotCopyStored: ({ copy }) => `A copy was stored on ${placeOf(copy)}.`,
  SnapshotCopyFailed: (data) =>
    `Storing the copy on ${placeOf(data)} failed ${failed(data.failure)}; ${next(data.retryAfterMs, 'it is not tried again')}.`,
  SnapshotVerified: (data) => `The copy on ${placeOf(data)} was verified: ${data.level}.`,
  SnapshotPinned: () => 'The snapshot was pinned.',
  SnapshotUnpinned: () => 'The snapshot was unpinned.',
  SnapshotPruneRequested: (data) => `The copy on ${placeOf(data)} is to be deleted ${becauseOf(data.reason)}.`,
  SnapshotPruned: ({ reason, ...copy }) => (reason === 'ABANDONED'
    ? `The copy on ${placeOf(copy)} was given up on request: its node has left the cluster, and its files stay where they are.`
    : `The copy on ${placeOf(copy)} was deleted ${becauseOf(reason)}.`),
  SnapshotPruneFailed: (data) => `Deleting the copy on ${placeOf(data)} failed ${failed(data.failure)}; ${next(data.retryAfterMs, '')}.`,
};

/** Ties an event to the sentence of its own type. */
function summaryOf<T extends Entry>(event: { readonly type: T; readonly data: DataOf<T> }): string {
  return sentences[event.type](event.data);
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
const partName = (part: string): string => (part === anyPart ? '' : ` on node ${part}`);
const failed = ({ step, code, message }: Failure): string => `at ${step} with ${code}: ${message}`.replace(/\.$/, '');
const next = (retryAfterMs: number | null, end: string): string =>
  (retryAfterMs === null ? end : `it is tried again in ${Math.round(retryAfterMs / 1000)} s`);
const placeOf = ({ targetId, node }: { targetId: string; node: string | null }): string =>
  (node === null ? targetId : `${targetId} of node ${node}`);
const becauseOf = (reason: 'RETENTION' | 'DELETED'): string => (reason === 'RETENTION' ? 'by the retention rule' : 'on request');

function planOf({ enabled, intervalHours, cron, timeZone }: DataOf<'PolicyUpdated'>['recurring']): string {
  if (!enabled) return 'no recurring snapshots';
  if (cron !== null) return `snapshots by cron "${cron}" (${timeZone ?? 'UTC'})`;
  return `a snapshot every ${counted(intervalHours ?? 0, 'hour')}`;
}
