// The connection string of EventStoreDB: what is wrong with it, and the client it gives. The user is kept apart from the rest,
// because the client prints the string it is given in warnings and errors. Connects to nothing.
import { type Credentials, EventStoreDBClient } from '@eventstore/db-client';
import { SnapkeepError } from './errors.js';

export interface ServerConnection {
  readonly client: EventStoreDBClient;
  /** To be given with every call: with them the client appends by single calls, whose deadlines hold. */
  readonly credentials: Credentials;
  /** Host and port, for people. */
  readonly address: string;
  /** Stands before the name of every stream. */
  readonly namespace: string;
}

/** In any spelling. Of the client's others one does nothing, two do harm (reads from a follower may lack what was just written), one is ours. */
const options = [
  'tls', 'tlscafile', 'usercertfile', 'userkeyfile', 'connectionname', 'keepaliveinterval', 'keepalivetimeout',
  'discoveryinterval', 'gossiptimeout', 'maxdiscoverattempts',
];
/** A server that hangs is noticed after 15 s. */
const keepAlive = { keepaliveinterval: 'keepAliveInterval=10000', keepalivetimeout: 'keepAliveTimeout=5000' };
/** Not sent without TLS. */
const nobody: Credentials = { username: 'nobody', password: 'nobody' };

interface Parsed {
  /** Without the user. */
  readonly address: string;
  readonly hosts: string;
  readonly credentials: Credentials | null;
  readonly query: ReadonlyMap<string, string>;
}

/** What is wrong with a connection string, to be put behind the name of its variable; null for nothing. Says nothing of user and password. */
export function eventStoreDbFault(connectionString: string): string | null {
  const parsed = parse(connectionString);
  if (typeof parsed === 'string') return parsed;
  const unknown = [...parsed.query.keys()].find((name) => !options.includes(name));
  if (unknown !== undefined) return `has the option ${unknown}, which is not one of ${options.join(', ')}`;
  if (parsed.credentials === null && isSecure(parsed)) {
    return 'names no user: write esdb://user:password@host:2113, or tls=false for a server without TLS';
  }
  try {
    EventStoreDBClient.connectionString(parsed.address);
    return null;
  } catch (error) {
    return `cannot be used: ${saidBy(error)}; write esdb://user:password@host:2113?tlsCAFile=/path, or esdb://host:2113?tls=false`;
  }
}

/** @throws SnapkeepError CONFIG_INVALID */
export function serverConnection(connectionString: string, namespace: string): ServerConnection {
  const fault = eventStoreDbFault(connectionString);
  const parsed = parse(connectionString);
  if (fault !== null || typeof parsed === 'string') throw new SnapkeepError('CONFIG_INVALID', `SNAPKEEP_EVENT_STORE ${fault}`);
  const added = Object.entries(keepAlive).flatMap(([name, option]) => (parsed.query.has(name) ? [] : [option])).join('&');
  const separator = parsed.query.size > 0 ? '&' : '?';
  return {
    client: EventStoreDBClient.connectionString(added === '' ? parsed.address : `${parsed.address}${separator}${added}`),
    credentials: parsed.credentials ?? nobody,
    address: parsed.hosts,
    namespace,
  };
}

const shape = new RegExp('^(?<protocol>esdb(\\+discover)?://)((?<user>[^:@/]*)(:(?<password>[^@/]*))?@)?(?<hosts>[^@/?]+)/?(\\?(?<query>[^@]*))?$');

function parse(connectionString: string): Parsed | string {
  const { protocol, user, password, hosts, query = '' } = shape.exec(connectionString.trim())?.groups ?? {};
  if (protocol === undefined || hosts === undefined) {
    return 'must be esdb://user:password@host:2113, with special characters of user and password percent-encoded';
  }
  const credentials = user === undefined ? null : decoded(user, password);
  if (user !== undefined && credentials === null) return 'must have a user and a password, with special characters percent-encoded';
  const pairs = query.split('&').filter(Boolean).map((pair) => pair.split('='));
  const names = new Map(pairs.map(([name = '', value = '']) => [name.toLowerCase().replace(/[_-]/g, ''), value]));
  return { address: `${protocol}${hosts}${query === '' ? '' : `?${query}`}`, hosts, credentials, query: names };
}

function decoded(user: string, password = ''): Credentials | null {
  if (user === '' || password === '') return null;
  try {
    return { username: decodeURIComponent(user), password: decodeURIComponent(password) };
  } catch {
    return null;
  }
}

/** The parser's message quotes what it did not expect, which may be a password in the wrong place. */
function saidBy(error: unknown): string {
  if (error instanceof Error && 'expected' in error) return `it lacks ${String(error.expected)}`;
  return error instanceof Error ? error.message : String(error);
}

function isSecure({ query }: Parsed): boolean {
  return query.get('tls') !== 'false';
}
