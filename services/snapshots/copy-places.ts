// The places of one attempt: its targets, opened and checked for room side by side, and where to spool.
// A target that fails here costs its own copy only; with none left the attempt fails before etcd is read.
import type { FailedCopyFact } from '../../events/cluster-events.js';
import { nodeOfCopy } from '../../events/snapshot-part.js';
import type { OpenTarget, TargetRegistry } from '../targets/target-registry.js';
import { copyFolder } from './copy-folder.js';
import { failureOf } from './failure-record.js';
import { spoolFile } from './spool.js';
import { StepFailure } from './step-failure.js';

export interface CopyPlaces extends TargetRegistry {
  /** Where to spool when no target has a place for it; exists. */
  readonly spoolFolder: string;
  readonly snapkeepVersion: string;
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
  readonly folder: string;
  readonly spoolFile: string;
}

/** A target that does not answer by then must not hold up the others. */
const PREFLIGHT_MS = 10_000;

/** Throws the first target's failure when none can take `bytes`. */
export async function openPlaces(places: CopyPlaces, copied: CopiedAttempt, bytes: number): Promise<OpenPlaces> {
  const { part, attempt, targetIds } = copied;
  const tried = await Promise.allSettled(targetIds.map((targetId) => inTime(openForCopy(places, targetId, bytes), targetId)));
  const targets = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = tried.flatMap((one, at): FailedCopyFact[] => {
    const targetId = targetIds[at] ?? '';
    return one.status === 'rejected' ? [{ targetId, node: nodeOfCopy(part, targetId), failure: failureOf(one.reason, 'PREFLIGHT') }] : [];
  });
  const first = tried.find((one) => one.status === 'rejected');
  if (targets.length === 0 && first) throw first.reason;
  const folder = copyFolder(copied, attempt);
  return { targets, failed, folder, spoolFile: spoolFile(await spoolFolderOf(targets, places), folder) };
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

async function spoolFolderOf(targets: readonly OpenTarget[], { spoolFolder }: CopyPlaces): Promise<string> {
  for (const { target } of targets) {
    const own = await target.spoolFolder();
    if (own !== null) return own;
  }
  return spoolFolder;
}
