// An HTTP proxy in front of the S3 server that answers, breaks, hangs or changes requests as a test says, while it runs; with TLS if asked.
// Passes everything else on unchanged, the Host header too, which is signed. Faults beneath HTTP are in fault-proxy.ts.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createStrikeCount, portOf } from './fault-proxy.js';
import type { CertificateFiles } from './tls-certificates.js';

export type S3Fault =
  /** Instead of the server, as S3 says it. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string; readonly message?: string; readonly headers?: OutgoingHttpHeaders }
  /** The connection breaks when so much of the request's body has come. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Nothing is answered, ever. */
  | { readonly kind: 'hang' }
  /** The server does what it was asked, and the connection breaks before its answer. */
  | { readonly kind: 'lose-answer' }
  /** Passed on once the promise is fulfilled. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** Headers are replaced on the way there or back. */
  | { readonly kind: 'rewrite'; readonly request?: IncomingHttpHeaders; readonly answer?: OutgoingHttpHeaders };

/** Asked for each request; null lets it pass. */
export type S3FaultRule = (request: IncomingMessage) => S3Fault | null;

export interface S3FaultProxy {
  readonly endpoint: string;
  setFault(rule: S3FaultRule | null): void;
  strikes(): number;
  /** Resolves when a fault strikes next. */
  nextStrike(): Promise<void>;
  /** Breaks every connection there is. */
  breakAll(): void;
  close(): Promise<void>;
}

export async function startS3FaultProxy(target: string, tls?: CertificateFiles): Promise<S3FaultProxy> {
  const strikes = createStrikeCount();
  const sockets = new Set<Socket>();
  let rule: S3FaultRule | null = null;
  const breakAll = (): void => { sockets.forEach((socket) => socket.destroy()); };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const fault = rule?.(request) ?? null;
    if (fault !== null) strikes.add();
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    if (fault?.kind === 'hold') void fault.until.then(() => pass(new URL(target), request, response, null));
    else pass(new URL(target), request, response, fault);
  };
  const server = tls === undefined
    ? createServer(handle)
    : createTlsServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, handle);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${portOf(server.address())}`,
    setFault: (next) => { rule = next; },
    strikes: strikes.count,
    nextStrike: strikes.next,
    breakAll,
    async close() {
      breakAll();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The first `count` of the requests that fit. */
export function firstOf(count: number, fits: (request: IncomingMessage) => boolean, fault: S3Fault): S3FaultRule {
  let left = count;
  return (request) => {
    if (left === 0 || !fits(request)) return null;
    left -= 1;
    return fault;
  };
}

export const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD';
export const isPart = ({ method, url }: IncomingMessage): boolean => method === 'PUT' && url?.includes('partNumber=') === true;
export const isBegin = ({ method, url }: IncomingMessage): boolean => method === 'POST' && url?.includes('uploads') === true;
export const isComplete = ({ method, url }: IncomingMessage): boolean => method === 'POST' && url?.includes('uploadId=') === true;
export const isPutOf = (name: string) => ({ method, url }: IncomingMessage): boolean => method === 'PUT' && url?.split('?')[0]?.endsWith(`/${name}`) === true;

function pass(target: URL, request: IncomingMessage, response: ServerResponse, fault: S3Fault | null): void {
  if (fault?.kind === 'hang') {
    request.resume();
    return;
  }
  if (fault?.kind === 'answer') {
    request.resume().on('end', () => { answer(request, response, fault); });
    return;
  }
  if (fault?.kind === 'reset') {
    breakAfter(request, fault.afterBytes);
    return;
  }
  const headers = { ...request.headers, ...(fault?.kind === 'rewrite' ? fault.request : {}) };
  const options = { host: target.hostname, port: target.port, method: request.method, path: request.url, headers, agent: false as const };
  const upstream = httpRequest(options, (answered) => {
    if (fault?.kind === 'lose-answer') {
      answered.resume().on('end', () => request.socket.destroy());
      return;
    }
    response.writeHead(answered.statusCode ?? 502, { ...answered.headers, ...(fault?.kind === 'rewrite' ? fault.answer : {}) });
    answered.pipe(response);
  });
  upstream.on('error', () => request.socket.destroy());
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}

function answer(request: IncomingMessage, response: ServerResponse, fault: Extract<S3Fault, { kind: 'answer' }>): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>${fault.message ?? ''}</Message></Error>`;
  response.writeHead(fault.status, { 'content-type': 'application/xml', 'x-amz-request-id': 'fault-1', ...fault.headers });
  response.end(request.method === 'HEAD' ? '' : body);
}

function breakAfter(request: IncomingMessage, afterBytes: number): void {
  let come = 0;
  request.on('data', (chunk: Buffer) => {
    come += chunk.length;
    if (come >= afterBytes) request.socket.resetAndDestroy();
  });
}
