// One attempt of one part: claim, connect, read etcd once into the spool, verify, commit a copy on each target, record.
// Ends as taken, failed as a fact, or nothing when the claim is refused or lost; only then are its own copies withdrawn.
import type { Logger } from 'pino';
import type { ReadFacts } from '../../events/cluster-events.js';
import { isSnapkeepError } from '../../events/errors.js';
import type { ClusterState } from '../ledger/cluster-state.js';
import type { ConnectEtcd, Etcd, EtcdStatus } from '../etcd/etcd.js';
import type { Vault } from '../vault/vault.js';
import { type Lease, type LeaseSettings, claimPart } from './attempt-lease.js';
import { type CopyPlaces, discardSpool, openPlaces, storeCopies, withdrawCopies } from './copy-store.js';
import { observeCluster } from './member-observation.js';
import type { OpenPart } from './open-work.js';
import { readSnapshot } from './snapshot-read.js';
import { failureOf } from './failure-record.js';
import { StepFailure } from './step-failure.js';
import type { RunEnd } from './worker.js';

export interface AttemptParts extends LeaseSettings {
  readonly connectEtcd: ConnectEtcd;
  readonly vault: Vault;
  readonly places: CopyPlaces;
  readonly idleTimeoutMs: number;
  readonly now: () => string;
  readonly log: Logger;
}

/** What one attempt works on. */
export interface Attempt {
  readonly part: OpenPart;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** `signal` aborts the attempt for a shutdown: the claim stays, so that the next start goes on at once. */
export async function runPart(parts: AttemptParts, part: OpenPart, takeOver: number | null, signal: AbortSignal): Promise<RunEnd> {
  const lease = await claimPart(part, takeOver, parts);
  if (lease === null) return null;
  const { clusterId, snapshotId } = part;
  const log = parts.log.child({ clusterId, snapshotId, part: part.part, attempt: lease.attempt });
  try {
    return await attemptPart(parts, { part, lease, signal: AbortSignal.any([signal, lease.lost]), log });
  } catch (error) {
    if (signal.aborted || lease.lost.aborted) {
      log.warn({ err: error }, 'snapshot attempt withdrawn');
      return null;
    }
    // The store's own errors are no failure of the attempt: in doubt, its copies stay until the log tells.
    if (isSnapkeepError(error)) throw error;
    const failure = failureOf(error);
    if (failure.code === 'UNEXPECTED') log.error({ err: error }, 'a snapshot attempt met a defect');
    return await lease.recordFailed(failure);
  } finally {
    lease.release();
  }
}

async function attemptPart(parts: AttemptParts, attempt: Attempt): Promise<RunEnd> {
  const { part, lease, log } = attempt;
  const state = await parts.commands.clusterState(part.clusterId);
  const connection = await connectionOf(parts, state);
  const etcd = parts.connectEtcd(connection);
  try {
    const status = await observeCluster(parts, part, etcd, { tried: part.tried, endpoints: connection.endpoints, signal: attempt.signal });
    const outcome = await readAndStore(parts, attempt, etcd, status);
    const end = await lease.recordTaken(outcome);
    if (end === null) {
      log.warn('the claim was lost before the record; the copies are withdrawn');
      await withdrawCopies(parts.places, outcome.copies);
    }
    return end;
  } finally {
    etcd.close();
  }
}

async function readAndStore(parts: AttemptParts, attempt: Attempt, etcd: Etcd, status: EtcdStatus) {
  const { part, lease, signal } = attempt;
  const open = await openPlaces(parts.places, part, lease.attempt, status.dbSize);
  const began = performance.now();
  const stream = await etcd.openSnapshot(status.endpoint, { signal, idleTimeoutMs: parts.idleTimeoutMs });
  const takenAt = parts.now();
  const { totalBytes } = stream;
  lease.note(0, totalBytes);
  await lease.renew();
  const spooled = await readSnapshot(stream, { file: open.spoolFile, signal, onProgress: (bytes) => lease.note(bytes, totalBytes) });
  try {
    await lease.renew();
    signal.throwIfAborted();
    const facts: ReadFacts = {
      takenAt, revision: spooled.revision, keyCount: spooled.keyCount, dbSize: spooled.databaseSize, sha256: spooled.sha256,
      etcdVersion: status.version, member: status.memberId, durationMs: Math.round(performance.now() - began),
    };
    const read = { part, attempt: lease.attempt, facts, spooled, storedAt: parts.now() };
    return { facts, ...await storeCopies(parts.places, open, read) };
  } finally {
    await discardSpool(open);
  }
}

async function connectionOf({ vault }: AttemptParts, { connection, removed }: ClusterState) {
  if (removed) throw new StepFailure('CREDENTIALS', 'CLUSTER_REMOVED', 'the cluster has been removed; nothing is read from it');
  const secret = connection.secretRef === null ? {} : await vault.get(connection.secretRef);
  if (secret === null) {
    throw new StepFailure('CREDENTIALS', 'SECRET_MISSING',
      'the vault does not hold the secret of this cluster: save its password or client key again with updateCluster');
  }
  const { endpoints, ca, clientCertificate, username } = connection;
  return { endpoints, ca, clientCertificate, username, clientKey: secret['clientKey'] ?? null, password: secret['password'] ?? null };
}
