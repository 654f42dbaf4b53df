// Reads the address of a server as people write it: host, host:port or URL, IPv6 in brackets. Nothing but scheme, host and port is accepted.
// Not etcd's endpoints, which are URLs: see input-faults.ts.
import { isIPv6 } from 'node:net';

export interface AddressRules {
  /** What it is called in messages: 'endpoint'. */
  readonly what: string;
  /** Put before an address without a scheme; null: a scheme must be written. */
  readonly scheme: 'https' | null;
  /** Where a path, a query or credentials belong instead, as the end of a sentence. */
  readonly elsewhere: string;
}

/** `origin`: scheme, host and port as a URL has them, such as https://minio:9000. A fault never repeats credentials, path or query. */
export type ServerAddress = { readonly origin: string; readonly fault: null } | { readonly origin: null; readonly fault: string };

export function readAddress(text: string, rules: AddressRules): ServerAddress {
  const given = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  const full = given === undefined ? `https://${text}` : text;
  const fault = userFault(text, rules) ?? bareIPv6Fault(text, rules) ?? schemeFault(text, given, rules) ?? excessFault(full, rules)
    ?? hostFault(full, rules);
  return fault === null ? { origin: new URL(full).origin, fault } : { origin: null, fault };
}

const userFault = (text: string, rules: AddressRules): string | null =>
  (text.includes('@') ? `the ${rules.what} holds a user or password: write ${wanted(rules)}; ${rules.elsewhere}` : null);

function bareIPv6Fault(text: string, { scheme }: AddressRules): string | null {
  const address = `${scheme ?? 'http'}://[${text}]`;
  return isIPv6(text) ? `an IPv6 address stands in brackets: write ${address}, or ${address}:9000 with the port` : null;
}

function schemeFault(text: string, given: string | undefined, rules: AddressRules): string | null {
  const isMissing = given === undefined && (rules.scheme === null || /^https?[:/]/i.test(text));
  const isOther = given !== undefined && given !== 'http' && given !== 'https';
  return isMissing || isOther ? `the ${rules.what} does not begin with http:// or https://: write ${wanted(rules)}` : null;
}

function excessFault(full: string, { what, elsewhere }: AddressRules): string | null {
  if (!/^https?:\/\/[^/?#\\]+(?:[?#\\]|\/.)/i.test(full) || !URL.canParse(full)) return null;
  return `the ${what} has a path, a query or a fragment: write ${new URL(full).origin}; ${elsewhere}`;
}

const HOST_AND_PORT = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::[1-9]\d{0,4})?\/?$/i;

const hostFault = (full: string, rules: AddressRules): string | null =>
  (HOST_AND_PORT.test(full) && URL.canParse(full) ? null : `the ${rules.what} is no host with or without a port: write ${wanted(rules)}`);

const wanted = ({ scheme }: AddressRules): string =>
  (scheme === null ? 'a URL such as http://10.0.0.1:3128' : 'host, host:port or a URL such as https://10.0.0.1:9000');
