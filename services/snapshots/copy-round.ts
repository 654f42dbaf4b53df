// The first round of an attempt's copies: all targets at once, each behind the spool at its own pace, each tried three times.
// A target that fails costs its own copy only. What fails here is made up for later: see repair-run.ts.
import { setTimeout as delay } from 'node:timers/promises';
import type { FailedCopyFact, StoredCopyFact } from '../../events/cluster-events.js';
import { nodeOfCopy } from '../../events/snapshot-part.js';
import { encodedSource } from '../encoding/encoded-source.js';
import type { CopySource } from '../targets/copy-source.js';
import type { OpenTarget, TargetRegistry } from '../targets/target-registry.js';
import type { OpenPlaces } from './copy-places.js';
import { watched } from './copy-watch.js';
import type { CopyBounds } from './copy-watch.js';
import { isStepFailure } from './step-failure.js';

export interface CopyRound extends CopyBounds {
  /** The part that is read. */
  readonly part: string;
  /** Before each further try. */
  readonly pausesMs: readonly number[];
  /** RFC 3339 UTC. */
  readonly now: () => string;
}

export interface CopyOutcome {
  readonly copies: readonly StoredCopyFact[];
  readonly failedCopies: readonly FailedCopyFact[];
}

interface CopyPlace extends CopyBounds {
  readonly folder: string;
  readonly part: string;
  readonly now: () => string;
}

/** Settles when each target has stored its copy or used up its tries. Rejects with the first target's failure when none has stored one. */
export async function storeCopies(places: OpenPlaces, source: CopySource, round: CopyRound): Promise<CopyOutcome> {
  const { targets, failed, asFailed, folder } = places;
  const tried = await Promise.allSettled(targets.map((open) => storedSoon(open, source, { ...round, folder })));
  const copies = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const idOf = (at: number): string => targets[at]?.target.targetId ?? '';
  const failedNow = tried.flatMap((one, at) => (one.status === 'rejected' ? [asFailed(idOf(at), one.reason, 'COMMIT')] : []));
  const first = tried.find((one) => one.status === 'rejected');
  if (copies.length === 0 && first) throw first.reason;
  return { copies, failedCopies: [...failed, ...failedNow] };
}

/**
 * Again while the source is there, since what fails for a moment would cost the copy. Not behind one that was let go: it may still end, and
 * takes away then what it finds in its folder. A repair has a folder of its own.
 */
async function storedSoon(open: OpenTarget, source: CopySource, place: CopyPlace & CopyRound): Promise<StoredCopyFact> {
  for (const pause of place.pausesMs) {
    try {
      return await storeCopy(open, source, place);
    } catch (error) {
      if (place.signal.aborted || isStalled(error)) throw error;
    }
    await delay(pause, undefined, { signal: place.signal }).catch(() => place.signal.throwIfAborted());
  }
  return storeCopy(open, source, place);
}

const isStalled = (error: unknown): boolean => isStepFailure(error) && error.code === 'COPY_STALLED';

/** One try, as the fact that is recorded of it. */
export async function storeCopy({ target, encoding }: OpenTarget, source: CopySource, place: CopyPlace): Promise<StoredCopyFact> {
  const { folder, part, now } = place;
  const { targetId, storedOn } = target;
  const encoded = encodedSource(source, encoding);
  const stored = await watched(encoded, place, (from, signal) => target.store({ folder }, from, signal));
  return {
    targetId, node: nodeOfCopy(part, targetId), storedOn, ...stored, encoding: encoded.encoding,
    storedAt: now(), verification: 'STRUCTURE_OK',
  };
}

/** Takes away what an attempt stored before it learned that its claim was lost. */
export async function withdrawCopies(targets: TargetRegistry, copies: readonly StoredCopyFact[]): Promise<void> {
  for (const { targetId, keys } of copies) await (await targets.openTarget(targetId)).remove(keys);
}
