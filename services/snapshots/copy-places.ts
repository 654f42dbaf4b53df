// The places of one attempt: its targets, opened and checked for room side by side, and where to spool.
// A target that fails here costs its own copy only; with none left the attempt fails before etcd is read.
import type { FailedCopyFact } from '../../events/cluster-events.js';
import type { FailureStep } from '../../events/error-codes.js';
import { isSnapkeepError } from '../../events/errors.js';
import { nodeOfCopy } from '../../events/snapshot-part.js';
import { isPlain } from '../encoding/encoding.js';
import type { OpenTarget, TargetRegistry } from '../targets/target-registry.js';
import { copyFolder } from './copy-folder.js';
import { failureOf } from './failure-record.js';
import { spoolFile } from './spool.js';
import { StepFailure } from './step-failure.js';

export interface CopyPlaces extends TargetRegistry {
  /** Where to spool, but for one target alone that has a place for it; exists. */
  readonly spoolFolder: string;
  readonly snapkeepVersion: string;
  /** Told of an error that is no known failure, though it costs its copy only. */
  readonly onDefect: (targetId: string, error: unknown) => void;
}

/** The attempt whose copies are to be stored. */
export interface CopiedAttempt {
  readonly clusterId: string;
  readonly name: string;
  readonly part: string;
  readonly attempt: number;
  readonly targetIds: readonly string[];
}

export interface OpenPlaces {
  readonly targets: readonly OpenTarget[];
  readonly failed: readonly FailedCopyFact[];
  /** Of the target's copy: the fact of such an error. */
  readonly asFailed: (targetId: string, error: unknown, step: FailureStep) => FailedCopyFact;
  readonly folder: string;
  readonly spoolFile: string;
}

/** A target that does not answer by then must not hold up the others. */
const PREFLIGHT_MS = 10_000;

/** Throws the first target's failure when none can take `bytes`, and the error of a store of Snapkeep's own that is away: no target's failure. */
export async function openPlaces(places: CopyPlaces, copied: CopiedAttempt, bytes: number): Promise<OpenPlaces> {
  const { part, attempt, targetIds } = copied;
  const tried = await Promise.allSettled(targetIds.map((targetId) => inTime(openForCopy(places, targetId, bytes), targetId)));
  const targets = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = tried.flatMap((one, at) => (one.status === 'rejected' ? [{ targetId: targetIds[at] ?? '', error: one.reason as unknown }] : []));
  const ours = refused.find(({ error }) => isSnapkeepError(error)) ?? (targets.length === 0 ? refused[0] : undefined);
  if (ours) throw ours.error;
  const asFailed: OpenPlaces['asFailed'] = (targetId, error, step) => {
    const failure = failureOf(error, step);
    if (failure.code === 'UNEXPECTED') places.onDefect(targetId, error);
    return { targetId, node: nodeOfCopy(part, targetId), failure };
  };
  const failed = refused.map(({ targetId, error }) => asFailed(targetId, error, 'PREFLIGHT'));
  const folder = copyFolder(copied, attempt);
  return { targets, failed, asFailed, folder, spoolFile: spoolFile(await spoolFolderOf(targets, places), folder) };
}

async function openForCopy(places: CopyPlaces, targetId: string, bytes: number): Promise<OpenTarget> {
  const open = await places.openForWriting(targetId);
  await open.target.preflight(bytes);
  return open;
}

async function inTime<T>(work: Promise<T>, targetId: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new StepFailure('PREFLIGHT', 'TARGET_UNAVAILABLE', `target '${targetId}' did not answer within ${PREFLIGHT_MS / 1000} s: `
      + 'test it with testTarget. The copy is made up for when it answers.'));
  }, PREFLIGHT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * On the disk of a target only where it is the only one, and stores the bytes as they are: a slow disk would hold up etcd and the others, and
 * what is to be encrypted would lie there in clear.
 */
async function spoolFolderOf([only, ...others]: readonly OpenTarget[], { spoolFolder }: CopyPlaces): Promise<string> {
  if (only === undefined || others.length > 0 || !isPlain(only.encoding)) return spoolFolder;
  return await only.target.spoolFolder() ?? spoolFolder;
}
