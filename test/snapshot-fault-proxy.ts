// An HTTP/2 proxy (http only) in front of etcd that changes the messages of the Snapshot stream and lets it end as if all were well.
// Everything else passes unchanged; faults of the connection are in fault-proxy.ts.
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { createSnapshotMessageReader } from '../services/etcd/snapshot-message-reader.js';
import { createStrikeCount, portOf } from './fault-proxy.js';
import type { FaultProxy } from './fault-proxy.js';

export type SnapshotFault =
  | { readonly kind: 'strip-trailer' | 'zero-trailer' }
  /** 8 KiB out of the middle, and `remaining_bytes` as if they had never been. */
  | { readonly kind: 'drop-middle' }
  /** One byte of the database itself, counted from its start. */
  | { readonly kind: 'flip'; readonly afterBytes: number }
  /** A good end, with status OK, when so much has come. */
  | { readonly kind: 'end-early'; readonly afterBytes: number };

const DROPPED_BYTES = 8192;
const TRAILER_BYTES = 32;
const SNAPSHOT_PATH = '/etcdserverpb.Maintenance/Snapshot';
const OK = { 'grpc-status': '0' };

export async function startSnapshotFaultProxy(target: string): Promise<FaultProxy<SnapshotFault>> {
  const strikes = createStrikeCount();
  const sessions = new Set<Http2Session>();
  let fault: SnapshotFault | null = null;

  const server = createServer();
  server.on('session', (session) => {
    const etcd: ClientHttp2Session = connect(target);
    [session, etcd].forEach((each) => {
      sessions.add(each);
      each.on('error', () => { each.destroy(); });
      each.on('close', () => { sessions.delete(each); });
    });
    session.on('close', () => { etcd.destroy(); });
    etcd.on('close', () => { session.destroy(); });
    session.on('stream', (downstream, headers) => {
      const rewrite = headers[':path'] === SNAPSHOT_PATH && fault ? faultOf(fault, strikes.add) : null;
      forward(downstream, etcd.request(upstreamHeaders(headers)), rewrite);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    endpoint: `http://127.0.0.1:${String(portOf(server.address()))}`,
    setFault(next) { fault = next; },
    strikes: strikes.count,
    nextStrike: strikes.next,
    async close() {
      sessions.forEach((session) => { session.destroy(); });
      server.close();
      await once(server, 'close');
    },
  };
}

function upstreamHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== ':authority'));
}

/** `null` instead of a message leaves it out; `end` ends the stream there. */
type Rewrite = (message: SnapshotMessage) => SnapshotMessage | null | 'end';

interface SnapshotMessage {
  readonly remaining: number;
  readonly blob: Buffer;
}

function forward(downstream: ServerHttp2Stream, upstream: ClientHttp2Stream, rewrite: Rewrite | null): void {
  let trailers: IncomingHttpHeaders = {};
  const send = (bytes: Uint8Array): void => {
    if (!downstream.destroyed && !downstream.writableEnded && !downstream.write(bytes)) upstream.pause();
  };
  const endEarly = (): void => {
    trailers = OK;
    downstream.end();
    upstream.destroy();
  };
  const receive = rewrite ? messageRewriter(rewrite, send, endEarly) : send;
  downstream.on('error', () => { upstream.destroy(); });
  downstream.on('close', () => { upstream.destroy(); });
  upstream.on('error', () => { downstream.destroy(); });
  downstream.pipe(upstream);
  downstream.on('drain', () => { upstream.resume(); });
  downstream.on('wantTrailers', () => { downstream.sendTrailers(trailers); });
  upstream.on('trailers', (received) => { trailers = received; });
  upstream.on('response', (headers) => {
    const onlyHeaders = headers['grpc-status'] !== undefined;
    downstream.respond(headers, onlyHeaders ? { endStream: true } : { waitForTrailers: true });
    if (onlyHeaders) return;
    upstream.on('data', receive);
    upstream.on('end', () => { downstream.end(); });
  });
}

function messageRewriter(rewrite: Rewrite, send: (bytes: Uint8Array) => void, end: () => void): (chunk: Uint8Array) => void {
  let pieces: Uint8Array[] = [];
  let ended = false;
  const reader = createSnapshotMessageReader({
    blob: (piece) => { pieces.push(piece); },
    message(remaining) {
      const message = ended ? null : rewrite({ remaining, blob: Buffer.concat(pieces) });
      pieces = [];
      if (message === null) return;
      ended = message === 'end';
      if (message === 'end') end();
      else send(encoded(message));
    },
  });
  return (chunk) => { reader.push(chunk); };
}

function encoded({ remaining, blob }: SnapshotMessage): Buffer {
  const body = Buffer.concat([Buffer.from([0x10, ...varint(remaining), 0x1a, ...varint(blob.length)]), blob]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...varint(Math.floor(value / 128))];
}

function faultOf(fault: SnapshotFault, strike: () => void): Rewrite {
  let passed = 0;
  let total = 0;
  const isTrailer = ({ remaining, blob }: SnapshotMessage): boolean => passed >= total && remaining === 0 && blob.length === TRAILER_BYTES;
  return (message) => {
    total ||= message.remaining + message.blob.length;
    const struck = faults[fault.kind](message, { fault, passed, total, trailer: isTrailer(message) });
    passed += message.blob.length;
    if (struck === 'end' || struck?.blob !== message.blob) strike();
    return struck;
  };
}

interface Place {
  readonly fault: SnapshotFault;
  /** Bytes of the database before this message, and in all. */
  readonly passed: number;
  readonly total: number;
  readonly trailer: boolean;
}

const faults: Readonly<Record<SnapshotFault['kind'], (message: SnapshotMessage, place: Place) => SnapshotMessage | null | 'end'>> = {
  'strip-trailer': (message, { trailer }) => trailer ? null : message,
  'zero-trailer': (message, { trailer }) => trailer ? { ...message, blob: Buffer.alloc(TRAILER_BYTES) } : message,
  'drop-middle'(message, { passed, total, trailer }) {
    if (trailer) return message;
    const before = Math.floor(total / 2) - passed;
    if (before >= message.blob.length) return { remaining: message.remaining - DROPPED_BYTES, blob: message.blob };
    if (before < 0) return message;
    const from = Math.min(before, message.blob.length - DROPPED_BYTES);
    return { ...message, blob: Buffer.concat([message.blob.subarray(0, from), message.blob.subarray(from + DROPPED_BYTES)]) };
  },
  flip(message, { fault, passed, trailer }) {
    const at = offsetOf(fault) - passed;
    if (trailer || at < 0 || at >= message.blob.length) return message;
    const blob = Buffer.from(message.blob);
    blob[at] = (blob[at] ?? 0) ^ 0xff;
    return { ...message, blob };
  },
  'end-early': (message, { fault, passed }) => passed >= offsetOf(fault) ? 'end' : message,
};

function offsetOf(fault: SnapshotFault): number {
  return 'afterBytes' in fault ? fault.afterBytes : 0;
}
