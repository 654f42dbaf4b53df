// Whether the way to a store is open: its name, a connection, TLS and the clocks, each asked by itself.
// Sends no credentials; what the store allows is in bucket-check.s3.ts.
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { DEFAULT_REGION, usesPathStyle } from './bucket-client.s3.js';
import type { Bucket } from './bucket-client.s3.js';

/** What S3 refuses as too far away, and from where on it is worth a word. */
const SKEW_REFUSED_MS = 5 * 60_000;
const SKEW_MENTIONED_MS = 30_000;

/** A check that failed though nothing broke: its own message and remedy. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';

  constructor(message: string, readonly remedy: string) {
    super(message);
  }
}

export async function checkName(bucket: Bucket): Promise<string> {
  const { hostname, isProxy } = nextHop(bucket);
  const addresses = await lookup(hostname, { all: true });
  return `${isProxy ? 'the proxy ' : ''}${hostname}: ${addresses.map(({ address }) => address).join(', ')}`;
}

export async function checkConnection(bucket: Bucket, signal: AbortSignal): Promise<string> {
  const { hostname, port, isProxy } = nextHop(bucket);
  const socket = connect({ host: hostname, port, timeout: bucket.settings.requestTimeoutSeconds * 1000 });
  socket.once('timeout', () => socket.destroy(nothingAnswered()));
  try {
    await once(socket, 'connect', { signal });
  } finally {
    socket.destroy();
  }
  return `${isProxy ? 'to the proxy ' : 'to '}${hostname}:${port}`;
}

export async function checkTls(bucket: Bucket, signal: AbortSignal): Promise<string> {
  await answerOf(bucket, signal);
  if (bucketUrl(bucket).protocol === 'http:') return 'not used: the endpoint is http, so whoever is on the way can read and change everything';
  return bucket.settings.ca === null ? 'by an authority that Node.js brings' : "by the target's own CA";
}

export async function checkClock(bucket: Bucket, signal: AbortSignal): Promise<string> {
  const { headers } = await answerOf(bucket, signal);
  const theirs = Date.parse(headers.date ?? '');
  if (Number.isNaN(theirs)) return 'the store does not tell its time';
  const skew = Math.abs(Date.now() - theirs);
  const both = `the store's clock says ${new Date(theirs).toISOString()}, ours ${new Date().toISOString()}`;
  if (skew >= SKEW_REFUSED_MS) throw new CheckFailed(both, 'Set both clocks right, by NTP: S3 refuses requests whose time is far from its own.');
  return skew >= SKEW_MENTIONED_MS ? `${both}: near enough, but set them right` : 'the same as ours';
}

/** Where requests for the bucket go, as the SDK reckons it; without its region where that would have to be asked there first. */
function bucketUrl(bucket: Bucket): URL {
  const { name, settings } = bucket;
  const endpoint = settings.endpoint === null ? {} : { Endpoint: settings.endpoint };
  const params = { Bucket: name, Region: settings.region ?? DEFAULT_REGION, ForcePathStyle: usesPathStyle(name, settings), ...endpoint };
  return bucket.client().config.endpointProvider(params, {}).url;
}

function nextHop(bucket: Bucket): { hostname: string; port: number; isProxy: boolean } {
  const { proxy } = bucket.settings;
  const url = proxy === null ? bucketUrl(bucket) : new URL(proxy);
  const port = url.port === '' ? { 'http:': 80, 'https:': 443 }[url.protocol] ?? 443 : Number(url.port);
  return { hostname: url.hostname.replace(/^\[|\]$/g, ''), port, isProxy: proxy !== null };
}

/** Whatever it is: an answer at all proves the way there. Over a connection of its own, so that TLS is really tried. */
async function answerOf(bucket: Bucket, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL('/', bucketUrl(bucket));
  const agent = bucket.newAgent();
  const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
  const request = send(url, { method: 'GET', agent, signal, timeout: bucket.settings.requestTimeoutSeconds * 1000 });
  request.once('timeout', () => request.destroy(nothingAnswered()));
  request.end();
  try {
    const [answer] = await once(request, 'response') as [IncomingMessage];
    answer.resume();
    return answer;
  } finally {
    agent.destroy();
  }
}

const nothingAnswered = (): Error => Object.assign(new Error('nothing answered'), { code: 'ETIMEDOUT' });
