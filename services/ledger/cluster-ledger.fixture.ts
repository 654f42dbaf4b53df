// For tests of the cluster ledger: given events, when a command, then events or a rejection; and samples of commands.
// A ledger here is its events; state is always folded from them.
import type { ClusterEvent, Failure, StoredCopyFact } from '../../events/cluster-events.js';
import type { ClusterCommand, PolicyChange } from './cluster-commands.js';
import { decide } from './cluster-decider.js';
import { evolveAll } from './cluster-fold.js';
import type { ClusterState } from './cluster-state.js';
import { initialState } from './cluster-state.js';
import type { Decision } from './decision.js';
import { isRejection } from './rejection.js';

export const noon = '2026-11-23T12:00:00.000Z';
export const later = '2026-11-24T12:00:00.000Z';
export const connection = { endpoints: ['http://127.0.0.1:2379'], ca: null, clientCertificate: null, username: null, secretRef: null };
export const broken: Failure = { step: 'STREAM', code: 'STREAM_BROKEN', message: 'the stream ended early' };
export const facts = {
  takenAt: noon, revision: 7, keyCount: 3, dbSize: 20_480, sha256: 'ab', etcdVersion: '3.4.23', member: 'm1', durationMs: 5,
};

export const folded = (events: readonly ClusterEvent[]): ClusterState => evolveAll(initialState(), events);
export const when = (events: readonly ClusterEvent[], command: ClusterCommand): Decision => decide(command, folded(events));

/** The ledger after the commands, each of which must be accepted. */
export function after(given: readonly ClusterEvent[], ...commands: readonly ClusterCommand[]): readonly ClusterEvent[] {
  return commands.reduce((events, command) => {
    const decision = when(events, command);
    if (isRejection(decision)) throw new Error(`${command.type}: ${decision.rejected.message}`);
    return [...events, ...decision];
  }, given);
}

export const types = (decision: Decision): readonly string[] => (isRejection(decision) ? [decision.rejected.code] : decision.map(({ type }) => type));
export const codeOf = (decision: Decision): string | null => (isRejection(decision) ? decision.rejected.code : null);
export const pathOf = (decision: Decision): readonly string[] | null => (isRejection(decision) ? decision.rejected.path : null);

export const register = (policy: PolicyChange | null = null, legacy = false): ClusterCommand => ({
  type: 'RegisterCluster', clusterId: 'c', name: 'C', connection, legacy, policy, now: noon,
});
export const savePolicy = (change: PolicyChange, now = later): ClusterCommand => ({ type: 'UpdatePolicy', change, expectedRevision: null, now });

export const manual = (id: string, extra: { givenName?: string; idempotencyKey?: string } = {}): ClusterCommand => ({
  type: 'RequestSnapshot', snapshotId: `c.${id}`, name: id, kind: 'MANUAL', slot: null, givenName: null, idempotencyKey: null, now: later, ...extra,
});
export const recurring = (id: string, slot: string, now = later): ClusterCommand => ({
  type: 'RequestSnapshot', snapshotId: `c.${id}`, name: id, kind: 'RECURRING', slot, givenName: null, idempotencyKey: null, now,
});
export const start = (id: string, takeOver: number | null = null, part = 'any'): ClusterCommand => ({
  type: 'StartAttempt', snapshotId: `c.${id}`, part, worker: 'w', leaseMs: 30_000, takeOver,
});
export const copy = (id: string, targetId = 'local', extra: Partial<StoredCopyFact> = {}): StoredCopyFact => ({
  targetId, node: null, storedOn: 'n', keys: [{ key: `${id}/snapshot.db`, versionId: null }], encoding: [], location: `/x/${targetId}/${id}`, storedSize: 1, storedSha256: 'ab', storedAt: noon,
  verification: 'STRUCTURE_OK', ...extra,
});
export const taken = (id: string, attempt = 1, copies: readonly StoredCopyFact[] = [copy(id)], part = 'any'): ClusterCommand => ({
  type: 'RecordPartTaken', snapshotId: `c.${id}`, part, attempt, facts, copies, failedCopies: [],
});
export const failed = (id: string, attempt: number, retryPausesMs: readonly number[] = [], part = 'any'): ClusterCommand => ({
  type: 'RecordPartFailed', snapshotId: `c.${id}`, part, attempt, failure: broken, retryPausesMs,
});
/** A slot in ascending order: n seconds past noon. */
export const slot = (n: number): string => new Date(Date.parse(noon) + n * 1000).toISOString();
export const takenRecurring = (id: string, n: number): readonly ClusterCommand[] => [recurring(id, slot(n)), start(id), taken(id)];
export const takenManual = (id: string): readonly ClusterCommand[] => [manual(id), start(id), taken(id)];
