// How a step of a snapshot fails: which step, a code for programs, a message for people.
// Not for broken invariants: those stay plain errors and stop whoever met them.

import type { FailureCode, FailureStep } from '../../events/error-codes.js';

export class StepFailure extends Error {
  override readonly name = 'StepFailure';

  constructor(readonly step: FailureStep, readonly code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

export function isStepFailure(error: unknown): error is StepFailure {
  return error instanceof StepFailure;
}

const FULL = new Set(['ENOSPC', 'EDQUOT']);
const DENIED = new Set(['EROFS', 'EACCES', 'EPERM']);

/** What the operating system said of `path`, as a failure of the step; a failure that is one already stays as it is. */
export function diskFailure(step: FailureStep, path: string, error: unknown): StepFailure {
  if (isStepFailure(error)) return error;
  const code = errorCode(error);
  const said = errorMessage(error);
  if (code === '') return failure(step, 'UNEXPECTED', `${path} could not be worked on: ${said}. See the log for where.`, error);
  if (FULL.has(code)) {
    return failure(step, 'DISK_FULL', `No space is left for ${path}: free some, or use another target. (${said})`, error);
  }
  if (DENIED.has(code)) {
    const remedy = 'check its owner, mode and mount options';
    return failure(step, 'TARGET_NOT_WRITABLE', `${path} may not be written: ${remedy}. (${said})`, error);
  }
  return failure(step, 'DISK_FAILED', `The disk under ${path} failed: check it and its mount. (${said})`, error);
}

/** The `code` of an error of Node's, or ''. By shape: errors come from other realms too (worker threads, test runners). */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

export function errorMessage(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

function failure(step: FailureStep, code: FailureCode, message: string, cause: unknown): StepFailure {
  return new StepFailure(step, code, message, { cause });
}
