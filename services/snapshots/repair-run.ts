// Makes up for one copy that failed, without asking etcd again: from the kept spool, else from a stored copy that can be read back.
// Ends as stored, failed as a fact with or without another try, or nothing where the ledger no longer wants it.
import type { Logger } from 'pino';
import { isSnapkeepError } from '../../events/errors.js';
import type { ClusterCommand } from '../ledger/cluster-commands.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import type { SnapshotState } from '../ledger/snapshot-state.js';
import { findCopy } from '../ledger/snapshot-state.js';
import type { CopySource } from '../targets/copy-source.js';
import { copyFolder, repairFolder } from './copy-folder.js';
import { manifestFacts } from './copy-manifest.js';
import type { CopyPlaces } from './copy-places.js';
import { storeCopy } from './copy-round.js';
import { failureOf } from './failure-record.js';
import type { OpenRepair } from './open-repairs.js';
import { type RepairOrigin, copiesOfRead, originsOf, repairSource } from './repair-source.js';
import type { SpoolRoom } from './spool-room.js';
import { StepFailure } from './step-failure.js';
import type { RunEnd } from './due-runs.js';

export interface RepairParts {
  readonly commands: CommandHandler;
  readonly worker: string;
  readonly nodeId: string;
  readonly places: CopyPlaces;
  readonly spools: SpoolRoom;
  readonly stallMs: number;
  /** `[n]` is the pause before repair n + 1; used up: it is not tried again. */
  readonly repairPausesMs: readonly number[];
  readonly now: () => string;
  readonly log: Logger;
}

/** No other try can mend it. */
class Unrepairable extends StepFailure {}

/** `signal` ends it for a shutdown; the next start tries it again. */
export async function runRepair(parts: RepairParts, repair: OpenRepair, signal: AbortSignal): Promise<RunEnd> {
  const { clusterId, snapshotId } = repair;
  const snapshot = (await parts.commands.clusterState(clusterId)).snapshots.get(snapshotId);
  if (snapshot === undefined || findCopy(snapshot, repair)?.state !== 'FAILED') return null;
  try {
    return await store(parts, repair, { snapshot, signal });
  } catch (error) {
    if (signal.aborted) return null;
    // In doubt, the copy stays until the log tells.
    if (isSnapkeepError(error)) throw error;
    return recordFailure(parts, repair, error);
  }
}

async function recordFailure(parts: RepairParts, repair: OpenRepair, error: unknown): Promise<RunEnd> {
  const { clusterId, snapshotId, targetId, node, failures } = repair;
  const failure = failureOf(error, 'COMMIT');
  if (failure.code === 'UNEXPECTED') parts.log.error({ clusterId, snapshotId, targetId, err: error }, 'a repair met a defect');
  const isFinal = error instanceof Unrepairable || failure.code === 'TARGET_RETIRED';
  const retryAfterMs = isFinal ? null : parts.repairPausesMs[failures + 1] ?? null;
  const failed = await execute(parts, repair, { type: 'RecordCopyFailed', snapshotId, targetId, node, failure, retryAfterMs });
  return failed.outcome === 'accepted' ? failed.position : null;
}

interface Repairing {
  readonly snapshot: SnapshotState;
  readonly signal: AbortSignal;
}

async function store(parts: RepairParts, repair: OpenRepair, { snapshot, signal }: Repairing): Promise<RunEnd> {
  const { places, now, stallMs } = parts;
  const { snapshotId, targetId, part, facts } = repair;
  const open = await places.openForWriting(targetId);
  const folder = repairFolder(repair, repair.attempt, { n: repair.failures + 1, nodeId: parts.nodeId });
  // A crash of this very repair may have left something under its keys, which are nobody else's.
  await open.target.sweep({ folder });
  await open.target.preflight(facts.dbSize);
  const copy = await storeCopy(open, sourceOf(parts, repair, snapshot), { folder, part, now, stallMs, signal });
  try {
    // A target that was retired meanwhile takes no copy, and its secret may be gone.
    await places.openForWriting(targetId);
  } catch (error) {
    await open.target.remove(copy.keys);
    throw error;
  }
  const stored = await execute(parts, repair, { type: 'RecordCopyStored', snapshotId, copy });
  if (stored.outcome === 'accepted') return stored.position;
  await open.target.remove(copy.keys);
  parts.log.warn({ snapshotId, targetId }, `a repaired copy is not wanted any more and was withdrawn: ${stored.rejection.rejected.message}`);
  return null;
}

/** Another origin at each try, so that one that cannot be read does not stand in the way. */
function sourceOf({ places, spools, nodeId }: RepairParts, repair: OpenRepair, snapshot: SnapshotState): CopySource {
  const { part, attempt, facts, failures } = repair;
  const origins = originsOf(snapshot, { part, spool: spools.kept(copyFolder(repair, attempt)), nodeId });
  const origin: RepairOrigin | undefined = origins[failures % origins.length];
  if (origin === undefined) throw nothingToReadFrom(snapshot, part);
  return repairSource(origin, { facts, targets: places, manifest: manifestFacts(repair, attempt, facts, places.snapkeepVersion) });
}

function nothingToReadFrom(snapshot: SnapshotState, part: string): Unrepairable {
  const encrypted = copiesOfRead(snapshot, part).some(({ encoding }) => encoding.includes('age'));
  const remedy = 'The next snapshot is stored on this target again.';
  return encrypted
    ? new Unrepairable('READ', 'COPY_ENCRYPTED', `Every stored copy is encrypted, and this service has no key to read one back. ${remedy}`)
    : new Unrepairable('READ', 'COPY_MISSING', `No copy is stored any more from which this one could be made. ${remedy}`);
}

function execute({ commands, worker }: RepairParts, { clusterId, snapshotId, targetId }: OpenRepair, command: ClusterCommand) {
  return commands.executeCluster(clusterId, command, {
    actor: `worker:${worker}`, correlationId: snapshotId, causationId: `${snapshotId}/${targetId}/repair`,
  });
}
