// What an error of EventStoreDB's client means to us, as one table; and the errors that are said in its place.
// Not how often anything is tried again: see server-calls.eventstoredb.ts.
import { ErrorType } from '@eventstore/db-client';
import { SnapkeepError } from './errors.js';

export type ServerFault =
  | 'conflict' | 'missing' | 'deleted' | 'too-large' | 'denied' | 'untrusted' | 'no-such-position'
  /** It may pass: try again. What was to be written may have been. */
  | 'passing'
  | 'unknown';

interface Said {
  readonly type: ErrorType | null;
  /** gRPC's status, a system error's name, or nothing. */
  readonly code: unknown;
  readonly message: string;
}

/** CANCELLED, DEADLINE_EXCEEDED, INTERNAL (a server that stops resets its streams so), UNAVAILABLE. */
const passingCodes: readonly unknown[] = [1, 4, 13, 14];
const passingTypes: readonly (ErrorType | null)[] = [
  ErrorType.UNAVAILABLE, ErrorType.DEADLINE_EXCEEDED, ErrorType.CANCELLED, ErrorType.TIMEOUT, ErrorType.NOT_LEADER,
];

/** The first line that fits decides. Errors of TLS come as UNAVAILABLE, and would be tried again for ever. */
const table: readonly (readonly [ServerFault, (said: Said) => boolean])[] = [
  ['conflict', ({ type }) => type === ErrorType.WRONG_EXPECTED_VERSION],
  ['missing', ({ type }) => type === ErrorType.STREAM_NOT_FOUND],
  ['deleted', ({ type }) => type === ErrorType.STREAM_DELETED],
  ['too-large', ({ type }) => type === ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED],
  ['denied', ({ type }) => type === ErrorType.ACCESS_DENIED],
  ['untrusted', ({ code, message }) => code === 14 && /certificate|altname|SSL routines/i.test(message)],
  ['no-such-position', ({ message }) => /InvalidPosition|invalid position/i.test(message)],
  ['passing', ({ type }) => passingTypes.includes(type)],
  ['passing', ({ code }) => passingCodes.includes(code)],
  ['passing', ({ message }) => /Server Is (Not Ready|Too Busy)|Failed to discover/.test(message)],
];

export function serverFault(error: unknown): ServerFault {
  const said = saidBy(error);
  return table.find(([, fits]) => fits(said))?.[0] ?? 'unknown';
}

/** In words; the client leaves many messages empty. */
export function wordsOf(error: unknown): string {
  const { type, message } = saidBy(error);
  return [type, message].filter(Boolean).join(': ') || String(error);
}

/** As the client's own timeouts are, for a call that did not end in time. */
export function timedOut(ms: number): Error {
  return Object.assign(new Error(`no answer within ${ms} ms`), { type: ErrorType.TIMEOUT });
}

/** For whatever reads: what cannot be mended by trying again as an error of ours, said once and for all. */
export function readingError(address: string, error: unknown): SnapkeepError {
  if (error instanceof SnapkeepError) return error;
  const misconfigured = configurationError(address, error);
  if (misconfigured) return misconfigured;
  const said = `reading the event log at ${address}: ${wordsOf(error)}`;
  if (serverFault(error) === 'deleted') {
    return new SnapkeepError('STORE_CORRUPT', `${said}; a stream was deleted by somebody else, put back a copy of the database`, { cause: error });
  }
  if (serverFault(error) === 'no-such-position') {
    return new SnapkeepError('POSITION_FOREIGN', `${said}; the log was set back or replaced, start again with the one there now`, { cause: error });
  }
  return new SnapkeepError('STORE_UNAVAILABLE', `${said}; see that EventStoreDB runs there and can be reached`, { cause: error });
}

/** Where the server refuses us, or we refuse the server. */
export function configurationError(address: string, error: unknown): SnapkeepError | null {
  const remedy = {
    denied: 'it refuses the user; correct user and password, and let the user read $all (member of $admins, or by an ACL)',
    untrusted: 'its certificate is not trusted, or it speaks no TLS; name its CA with tlsCAFile, the host as in the certificate, or tls=false',
  }[serverFault(error) as string];
  if (remedy === undefined) return null;
  return new SnapkeepError('CONFIG_INVALID', `SNAPKEEP_EVENT_STORE: EventStoreDB at ${address}: ${remedy} (${wordsOf(error)})`, { cause: error });
}

function saidBy(error: unknown): Said {
  if (!(error instanceof Error)) return { type: null, code: undefined, message: String(error) };
  const { type = null, code } = error as { readonly type?: ErrorType; readonly code?: unknown };
  return { type, code, message: error.message };
}
