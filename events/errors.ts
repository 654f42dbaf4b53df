// Errors that are bugs, refusals or broken surroundings: thrown, never part of an outcome.
// Expected failures are events or userErrors instead.
import type { ErrorCode } from './error-codes.js';

/** An error with a code from the catalogue; `details` are plain JSON for logs and answers. */
export class SnapkeepError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SnapkeepError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Recognises an error of the catalogue, also by one of its codes. */
export function isSnapkeepError(error: unknown, code?: ErrorCode): error is SnapkeepError {
  return error instanceof SnapkeepError && (code === undefined || error.code === code);
}
