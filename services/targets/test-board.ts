// The port by which targets are tested from where copies are stored: whoever asks is answered by every live worker, each from its own
// network, role and disk. Not the checks: see target-test.ts.
import type { TargetCheck } from './target-check.js';

/** A check and the node it was made on. */
export interface TargetTestCheck extends TargetCheck {
  readonly ranOn: string;
}

export type TestTarget = (targetId: string) => Promise<readonly TargetCheck[]>;

export interface TestBoard {
  /** Answers for a node, which counts as live from then on, until what is given back is called. Never throws: `onTrouble` hears what failed. */
  serve(node: string, test: TestTarget, onTrouble: (error: unknown) => void): () => Promise<void>;
  /** The checks of every live node. One that does not answer in time has a check that failed and says so. */
  ask(targetId: string): Promise<readonly TargetTestCheck[]>;
}

/** Longer than any test, whose own bound is 120 s. */
export const ANSWER_WITHIN_MS = 130_000;

export const silentCheck = (ranOn: string): TargetTestCheck => ({
  ranOn, name: 'answers', ok: false, message: `the worker on ${ranOn} does not answer`, remedy: 'See whether it runs; its log says what it does.',
});

/** Nobody stores copies at all. */
export const noWorkerCheck: TargetTestCheck = {
  ranOn: 'no worker', name: 'answers', ok: false, message: 'no worker is live', remedy: 'Start a process with the role worker.',
};
