// What a decider answers to a command it cannot accept: an outcome for a person or a worker, not an error.
// Broken invariants are not rejections: they are thrown.
import type { UserErrorCode } from '../../events/error-codes.js';

export interface Rejection {
  readonly rejected: {
    readonly code: UserErrorCode;
    readonly message: string;
    /** The field of the command at fault, in the API's words; null where no single field is. */
    readonly path: readonly string[] | null;
  };
}

export const reject = (code: UserErrorCode, message: string, path: readonly string[] | null = null): Rejection => ({
  rejected: { code, message, path },
});

export const isRejection = (value: object): value is Rejection => 'rejected' in value;
