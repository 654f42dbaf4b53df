// Answers requests that end before GraphQL: without the token, or with a body that cannot be read.
// Never shows or logs a body, which may hold a password; what GraphQL itself refuses is answered in http-api.ts.
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Log } from './request-context.js';
import { isAuthorized } from './request-guard.js';

/** Stands before the body is read. `null`: no token is asked for. */
export function requireToken(token: string | null): RequestHandler {
  return (request, response, next) => {
    if (isAuthorized(request.headers.authorization, token)) return next();
    response.set('WWW-Authenticate', 'Bearer');
    return answer(response, { status: 401, code: 'UNAUTHENTICATED', message:
      'This Snapkeep asks for a token: send the header "Authorization: Bearer <token>" with the value of SNAPKEEP_TOKEN' });
  };
}

/** The last handler: Express's own would print the error, with the body that it carries, and answer its stack as HTML. */
export function answerRequestFault(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const fault = requestFault(error);
    if (fault === null) log.error({ err: error }, 'a request failed unexpectedly');
    else log.warn(fault, 'a request could not be read');
    if (response.headersSent) response.destroy();
    else answer(response, fault === null ? UNEXPECTED : { status: fault.status, code: 'BAD_REQUEST', message: remedy(fault.status) });
  };
}

const UNEXPECTED = {
  status: 500, code: 'INTERNAL_SERVER_ERROR', message: 'Snapkeep failed while answering; its log says why. Try again, and report it if it lasts.',
};

/** What body-parser and the router say of a client's mistake, in errors of http-errors; null for any other error. */
function requestFault(error: unknown): { readonly type: string; readonly status: number } | null {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return null;
  if (error.status < 400 || error.status > 499) return null;
  return { type: 'type' in error && typeof error.type === 'string' ? error.type : error.name, status: error.status };
}

function remedy(status: number): string {
  if (status === 413) return 'The request\'s body is too large: send at most 1 MiB.';
  if (status === 415) return 'The request\'s body has an encoding or charset that is not read: send JSON as UTF-8, plain or by gzip.';
  return 'The request cannot be read: send a JSON object with the field query, as application/json.';
}

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

function answer(response: Response, { status, code, message }: Answer): void {
  response.status(status).json({ errors: [{ message, extensions: { code } }] });
}
