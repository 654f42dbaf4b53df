// The Snapshot stream of one etcd member, read straight from HTTP/2, because gRPC libraries halve its speed.
// Reads bytes and says whether they all came; their trailer and structure are checked elsewhere.
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import type { SecureContextOptions } from 'node:tls';
import type { EtcdError, SnapshotRequest, SnapshotStream } from './etcd.js';
import { etcdFailure, failureOfSocket, failureOfStatus } from './etcd-failure.js';
import { createPieceQueue } from './piece-queue.js';
import { createSnapshotMessageReader } from './snapshot-message-reader.js';

export interface SnapshotCall extends SnapshotRequest {
  readonly endpoint: string;
  readonly tls: SecureContextOptions;
  readonly token: string | null;
}

/** One flow-control window and one queue of this size are all that is ever held of a snapshot. */
const WINDOW_BYTES = 1024 * 1024;
const TRAILER_BYTES = 32;
const EMPTY_MESSAGE = Buffer.alloc(5);

/** Rejects, and later throws while iterated, an EtcdError; leaves no connection behind in either case. */
export function openSnapshotStream(call: SnapshotCall): Promise<SnapshotStream> {
  const opening = Promise.withResolvers<SnapshotStream>();
  if (call.signal?.aborted) return Promise.reject(cancelled(call.endpoint));
  try {
    runCall(call, connectTo(call), opening);
  } catch (error) {
    opening.reject(failureOfSocket(call.endpoint, error));
  }
  return opening.promise;
}

function cancelled(endpoint: string): EtcdError {
  return etcdFailure('CANCELLED', endpoint, 'the snapshot was cancelled');
}

function connectTo(call: SnapshotCall): ClientHttp2Session {
  const session = connect(call.endpoint, { ...call.tls, settings: { enablePush: false, initialWindowSize: WINDOW_BYTES } });
  session.once('connect', () => { session.setLocalWindowSize(WINDOW_BYTES); });
  return session;
}

function runCall(call: SnapshotCall, session: ClientHttp2Session, opening: PromiseWithResolvers<SnapshotStream>): void {
  const { endpoint } = call;
  const progress = followProgress(endpoint, (totalBytes) => {
    opening.resolve({ totalBytes, cancel: onAbort, [Symbol.asyncIterator]: () => queue.pieces() });
  });
  const request = session.request(requestHeaders(call.token));
  let paused = false;
  let settled = false;

  const settle = (failure: EtcdError | null): void => {
    if (settled) return;
    settled = true;
    clearTimeout(idle);
    call.signal?.removeEventListener('abort', onAbort);
    queue.end(failure);
    if (failure) opening.reject(failure);
    session.destroy();
  };
  const onAbort = (): void => { settle(cancelled(endpoint)); };
  const onError = (error: unknown): void => { settle(failureOfSocket(endpoint, error, progress.started())); };
  const onIdle = (): void => {
    if (!paused) settle(silence(call, session.connecting, progress.received()));
  };
  const idle = setTimeout(onIdle, call.idleTimeoutMs);
  const queue = createPieceQueue({
    highWater: WINDOW_BYTES,
    onFull() {
      paused = true;
      request.pause();
    },
    onDrained() {
      paused = false;
      idle.refresh();
      if (!settled) request.resume();
    },
    onLeft: onAbort,
  });
  const reader = createSnapshotMessageReader({
    blob(piece) {
      progress.blob(piece.length);
      queue.push(piece);
    },
    message: progress.message,
  });
  const onData = (chunk: Uint8Array): void => {
    idle.refresh();
    try {
      reader.push(chunk);
    } catch (error) {
      settle(etcdFailure('BAD_ANSWER', endpoint, `the snapshot stream cannot be read (${String(error)})`, error));
    }
  };

  call.signal?.addEventListener('abort', onAbort, { once: true });
  session.on('error', onError);
  request.on('error', onError);
  request.on('response', progress.headers);
  request.on('trailers', progress.headers);
  request.on('data', onData);
  request.on('close', () => { settle(progress.conclusion(reader.atBoundary())); });
  request.end(EMPTY_MESSAGE);
}

function requestHeaders(token: string | null): Record<string, string> {
  return {
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/etcdserverpb.Maintenance/Snapshot',
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
    ...(token === null ? {} : { token }),
  };
}

function silence(call: SnapshotCall, connecting: boolean, received: number): EtcdError {
  const patience = `${String(call.idleTimeoutMs)} ms`;
  if (connecting) return etcdFailure('UNREACHABLE', call.endpoint, `no connection within ${patience}`);
  return etcdFailure('STREAM_STALLED', call.endpoint, `no byte of the snapshot for ${patience}, after ${String(received)} bytes`);
}

interface SnapshotProgress {
  readonly blob: (bytes: number) => void;
  readonly message: (remainingBytes: number, blobBytes: number) => void;
  /** Response headers and trailers alike: an answer without a body has its status in the former. */
  readonly headers: (headers: IncomingHttpHeaders) => void;
  readonly started: () => boolean;
  readonly received: () => number;
  /** `null` when etcd said OK and every byte of the database had come. */
  readonly conclusion: (wholeMessages: boolean) => EtcdError | null;
}

function followProgress(endpoint: string, onFirstMessage: (totalBytes: number) => void): SnapshotProgress {
  let received = 0;
  let databaseBytes: number | null = null;
  let httpStatus = '200';
  let status: string | null = null;
  let message = '';

  const broken = (what: string): EtcdError => {
    const of = databaseBytes === null ? '' : ` of ${String(databaseBytes + TRAILER_BYTES)}`;
    return etcdFailure('STREAM_BROKEN', endpoint, `the snapshot ${what} after ${String(received)}${of} bytes`);
  };
  return {
    blob(bytes) { received += bytes; },
    message(remainingBytes, blobBytes) {
      if (databaseBytes !== null) return;
      // The first message counts the database only; its trailer comes as one more message (etcd, api/v3rpc/maintenance.go).
      databaseBytes = remainingBytes + blobBytes;
      onFirstMessage(databaseBytes + TRAILER_BYTES);
    },
    headers(headers) {
      httpStatus = String(headers[constants.HTTP2_HEADER_STATUS] ?? httpStatus);
      status = headers['grpc-status']?.toString() ?? status;
      message = decoded(headers['grpc-message']?.toString() ?? message);
    },
    started: () => received > 0,
    received: () => received,
    conclusion(wholeMessages) {
      if (httpStatus !== '200') return etcdFailure('BAD_ANSWER', endpoint, `it answered with HTTP status ${httpStatus}`);
      if (status === null && received === 0) return etcdFailure('UNREACHABLE', endpoint, 'it closed the connection without an answer');
      if (status === null) return broken('ended without a status');
      if (status !== '0') return failureOfStatus(endpoint, Number(status), message, received > 0);
      return databaseBytes === null || !wholeMessages || received < databaseBytes ? broken('ended early') : null;
    },
  };
}

/** gRPC percent-encodes messages, and wants a malformed one shown as it is. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
