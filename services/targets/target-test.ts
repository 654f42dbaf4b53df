// What `testTarget` answers on one worker: the target's own checks, as seen from this process.
// Not the checks: each kind of target has its own. Who is asked: see test-board.ts.
import { errorMessage } from '../snapshots/step-failure.js';
import type { TargetCheck } from './target-check.js';
import type { TargetRegistry } from './target-registry.js';
import type { Target } from './target.js';
import type { TestTarget } from './test-board.js';

/** Longer than any check's own bound, so that an answer comes whatever hangs. */
const TEST_MS = 120_000;

export function targetTest(targets: Pick<TargetRegistry, 'openTarget'>): TestTarget {
  return async (targetId) => {
    const opened = await targets.openTarget(targetId).catch((error: unknown) => notOpened(error));
    return isTarget(opened) ? opened.check(AbortSignal.timeout(TEST_MS)) : [opened];
  };
}

const isTarget = (opened: Target | TargetCheck): opened is Target => 'check' in opened;

/** Its keys are not in the vault, for instance; the failure says what to do. */
const notOpened = (error: unknown): TargetCheck => ({
  name: 'opened', ok: false, message: errorMessage(error), remedy: 'Do as the message says, then test again.',
});
