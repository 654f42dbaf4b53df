// One attempt of one part: claim, connect, read etcd once into the spool with the copies behind it, verify, let them commit, record.
// Ends as taken, failed as a fact, or nothing when the claim is refused or lost; only then are its own copies withdrawn.
import type { Logger } from 'pino';
import { isSnapkeepError } from '../../events/errors.js';
import type { ConnectEtcd } from '../etcd/etcd.js';
import type { Vault } from '../vault/vault.js';
import { connectionOf } from './cluster-connection.js';
import { type LeaseSettings, claimPart } from './attempt-lease.js';
import { withdrawCopies } from './copy-round.js';
import { type Attempt, type CopiedReadParts, readAndStore } from './copied-read.js';
import { observeCluster } from './member-observation.js';
import type { OpenPart } from './open-work.js';
import { failureOf } from './failure-record.js';
import { type NodeAgent, isNodePart } from './work-reach.js';
import type { RunEnd } from './due-runs.js';

export interface AttemptParts extends LeaseSettings, CopiedReadParts {
  readonly connectEtcd: ConnectEtcd;
  readonly vault: Vault;
  /** The node whose part this worker reads, at its own endpoint; null where it serves none. */
  readonly agent: NodeAgent | null;
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

async function attemptPart(parts: AttemptParts, attempt: Attempt & { log: Logger }): Promise<RunEnd> {
  const { part, lease, log } = attempt;
  const state = await parts.commands.clusterState(part.clusterId);
  const agent = isNodePart(part) ? agentFor(parts, part) : null;
  const connection = await connectionOf(parts.vault, state, agent);
  const etcd = parts.connectEtcd(connection);
  try {
    const { endpoints } = connection;
    const status = await observeCluster(parts, part, etcd, { tried: part.tried, endpoints, node: agent?.node ?? null, signal: attempt.signal });
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

function agentFor({ agent }: AttemptParts, { clusterId, part }: OpenPart): NodeAgent {
  if (agent?.clusterId === clusterId && agent.node === part) return agent;
  throw new Error(`the part of node ${part} of cluster ${clusterId} was claimed by a worker that does not serve it`);
}
