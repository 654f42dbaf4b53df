// Checks of single input values, shared by all mutations: each answers null or what is wrong and what to write instead.
// Faults are collected, so that one answer names all of them. Not what depends on the ledger: the deciders know that.
import { posix } from 'node:path';
import type { UserErrorCode } from '../events/error-codes.js';

export interface InputFault {
  readonly code: UserErrorCode;
  readonly message: string;
  readonly path: readonly string[] | null;
}

/** A value to check: where it is in the input, and what is wrong with it, if anything. */
export type Checked = readonly [path: readonly string[], fault: string | null];

export function faultsOf(checks: readonly Checked[]): InputFault[] {
  return checks.flatMap(([path, message]) => (message === null ? [] : [{ code: 'INVALID_INPUT' as const, message, path }]));
}

/** A fault of a value that is given; what is left out or null has none. */
export const givenFault = <T>(value: T | null | undefined, fault: (given: T) => string | null): string | null =>
  (value === null || value === undefined ? null : fault(value));

export const boundsFault = (value: number, name: string, most: number): string | null =>
  (value >= 1 && value <= most ? null : `${name} is ${value}: write 1 to ${most}`);

export function slugFault(id: string): string | null {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(id)) return null;
  return `id ${quoted(id)} is not a slug: write 1 to 63 characters of a-z, 0-9 and "-", which neither begins nor ends with "-"`;
}

// Control characters, and slashes of either kind.
const NOT_IN_NAMES = /[\p{Cc}\p{Cf}\u2028\u2029/\\]/u;

/** Null and undefined are no name, and no fault. */
export function nameFault(name: string | null | undefined): string | null {
  if (name === null || name === undefined) return null;
  if (name.trim() === '') return 'the name is empty: write one, or leave it out';
  if (name.length > 100) return `the name has ${name.length} characters: write at most 100`;
  return NOT_IN_NAMES.test(name) ? `the name ${quoted(name)} holds a slash or a control character: leave it out` : null;
}

export function givenNameFault(name: string | null | undefined): string | null {
  if (name === null || name === undefined || /^[A-Za-z0-9._-]{1,63}$/.test(name)) return null;
  return `the name ${quoted(name)} becomes part of file names: write 1 to 63 of A-Z, a-z, 0-9, ".", "_" and "-"`;
}

export function idempotencyKeyFault(key: string | null | undefined): string | null {
  if (key === null || key === undefined) return null;
  return /^[^\p{Cc}]{1,200}$/u.test(key) ? null : 'the key is empty, too long or holds control characters: write 1 to 200 characters';
}

export function endpointFault(endpoint: string): string | null {
  const shape = 'write http://host:port or https://host:port';
  if (!/^https?:\/\/[^/]/i.test(endpoint) || !URL.canParse(endpoint)) {
    return `endpoint ${quoted(withoutUser(endpoint))} is not an http or https URL: ${shape}`;
  }
  const { pathname, username, password } = new URL(endpoint);
  if (username !== '' || password !== '' || endpoint.includes('@')) {
    return `endpoint holds a user or password: ${shape}, and give username and password as fields`;
  }
  if (pathname !== '/' || /[?#\s]/.test(endpoint)) return `endpoint ${quoted(endpoint)} has more than host and port: ${shape}`;
  return null;
}

const withoutUser = (text: string): string => text.replace(/^(.*\/\/)?.*@/s, '$1***@');

/** Absolute and as `path.normalize` would write it: no `..`, no doubled or trailing slash. */
export function directoryFault(path: string): string | null {
  if (/\p{Cc}/u.test(path)) return 'the path holds a control character: leave it out';
  if (!posix.isAbsolute(path)) return `path ${quoted(path)} is not absolute: begin it with "/"`;
  if (path.split('/').some((part) => part === '..' || part === '.')) return `path ${quoted(path)} holds "." or "..": write the directory itself`;
  if (path === '/') return 'the path is the root of the file system: write a directory below it';
  return posix.normalize(path) === path && !path.endsWith('/') ? null : `path ${quoted(path)} has a doubled or trailing slash: leave it out`;
}

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----\s+[A-Za-z0-9+/=\s]+-----END \1-----/g;

/** Never repeats the value: it may be a secret pasted into the wrong field. */
export function pemFault(value: string | null | undefined, kind: 'CERTIFICATE' | 'PRIVATE KEY'): string | null {
  if (value === null || value === undefined) return null;
  const labels = [...value.matchAll(PEM)].map(([, label]) => label ?? '');
  const wanted = `-----BEGIN ${kind}----- … -----END ${kind}-----`;
  if (labels.includes('ENCRYPTED PRIVATE KEY')) return 'the key is encrypted: decrypt it first (openssl pkey -in key.pem)';
  if (kind === 'CERTIFICATE' && labels.some((label) => label.endsWith('PRIVATE KEY'))) {
    return `the text holds a private key beside or instead of certificates: give ${wanted} alone`;
  }
  const fits = labels.length > 0 && value.replace(PEM, '').trim() === '' && labels.some((label) => label.endsWith(kind));
  return fits ? null : `this is not PEM: give the text ${wanted}`;
}

/** For messages: as JSON, cut where it is long. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
