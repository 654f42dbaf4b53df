// Who may speak to Snapkeep: the Host and Origin of a request, and its bearer token. The same for HTTP and WebSocket upgrades.
// Not TLS: a proxy in front does that.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/** `null` for a request that may go on, else why it is refused. `origins` are configured: `https://backup.example:8443`. */
export function originFault(headers: IncomingHttpHeaders, origins: readonly string[]): string | null {
  const host = headers.host ?? '';
  const hosts = origins.map((origin) => new URL(origin).host);
  if (!LOOPBACK.test(host) && !hosts.includes(host.toLowerCase())) {
    return `Host "${host}" is neither loopback nor configured; add its origin to SNAPKEEP_ORIGINS`;
  }
  const { origin } = headers;
  if (origin === undefined || isAllowedOrigin(origin, host, origins)) return null;
  return `Origin "${origin}" is foreign; add it to SNAPKEEP_ORIGINS if its pages may use Snapkeep`;
}

/** Whether a page of the origin may read answers: one of ours, or a configured one. */
export function isAllowedOrigin(origin: string, host: string, origins: readonly string[]): boolean {
  if (!URL.canParse(origin)) return false;
  const { host: originHost, origin: written } = new URL(origin);
  return originHost === host.toLowerCase() || origins.some((allowed) => new URL(allowed).origin === written);
}

/** Whether what was sent as `Authorization` carries the token; true where none is configured. Takes the same time for every wrong one. */
export function isAuthorized(sent: unknown, token: string | null): boolean {
  if (token === null) return true;
  if (typeof sent !== 'string') return false;
  const bearer = sent.replace(/^Bearer +/i, '');
  return timingSafeEqual(digest(bearer), digest(token));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
