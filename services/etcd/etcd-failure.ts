// What went wrong with etcd, from a socket's error or a gRPC status, as an error that says what to do about it.
// Only translates; whether to try again is decided elsewhere.
import { EtcdError } from './etcd.js';
import type { EtcdErrorCode } from './etcd.js';

const remedies: Readonly<Record<EtcdErrorCode, string>> = {
  UNREACHABLE: 'check that etcd runs there, that this machine may connect to it, and whether it speaks http or https',
  TLS: 'check the cluster\'s CA, client certificate and key, and whether the endpoint speaks http or https',
  AUTH: 'check the cluster\'s user name and password; a snapshot needs the root role where authentication is on',
  STREAM_STALLED: 'check the member\'s disk and the network to it',
  STREAM_BROKEN: 'check whether the member restarted or something between closed the connection',
  CANCELLED: 'nothing is to be done',
  BAD_ANSWER: 'check that the endpoint is etcd\'s client address and that no proxy changes what it sends',
};

export function etcdFailure(code: EtcdErrorCode, endpoint: string, happened: string, cause?: unknown): EtcdError {
  const options = cause === undefined ? undefined : { cause };
  return new EtcdError(code, `etcd at ${endpoint}: ${happened}; ${remedies[code]}`, options);
}

const statusCodes: ReadonlyMap<number, EtcdErrorCode> = new Map([
  [1, 'CANCELLED'], [4, 'UNREACHABLE'], [7, 'AUTH'], [14, 'UNREACHABLE'], [16, 'AUTH'],
]);
const authWords = /user name|user ID|auth token|authenticat|permission denied/i;
const tlsWords = /certificate|\bcert\b|ssl|tls|altname|EPROTO|PEM|self.signed|wrong version number/i;

/** `started` says that bytes of the stream had come: what breaks then is the stream, not the way to it. */
export function failureOfStatus(endpoint: string, status: number, message: string, started = false): EtcdError {
  const happened = message || `gRPC status ${String(status)}`;
  if (authWords.test(message)) return etcdFailure('AUTH', endpoint, happened);
  if (started) return etcdFailure('STREAM_BROKEN', endpoint, `the snapshot stream ended with an error (${happened})`);
  const code = statusCodes.get(status) ?? 'BAD_ANSWER';
  const tls = code === 'UNREACHABLE' && tlsWords.test(message);
  return etcdFailure(tls ? 'TLS' : code, endpoint, happened);
}

export function failureOfSocket(endpoint: string, cause: unknown, started = false): EtcdError {
  if (cause instanceof EtcdError) return cause;
  const message = textOf(cause);
  if (started) return etcdFailure('STREAM_BROKEN', endpoint, `the connection broke in the middle of the snapshot (${message})`, cause);
  return etcdFailure(tlsWords.test(message) ? 'TLS' : 'UNREACHABLE', endpoint, `no connection (${message})`, cause);
}

/** etcd3's errors keep the status only in their text: "Error: 14 UNAVAILABLE: …". */
export function failureOfCall(endpoint: string, cause: unknown): EtcdError {
  if (cause instanceof EtcdError) return cause;
  const [, status, details] = /(\d+) [A-Z_]+: ([^]*)/.exec(textOf(cause)) ?? [];
  if (status === undefined || details === undefined) return failureOfSocket(endpoint, cause);
  return failureOfStatus(endpoint, Number(status), details);
}

/** `instanceof Error` is not asked: an error of Node's own may come from another realm. */
function textOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('message' in cause)) return String(cause);
  const code = 'code' in cause && typeof cause.code === 'string' ? `${cause.code}: ` : '';
  return `${code}${String(cause.message)}`;
}
