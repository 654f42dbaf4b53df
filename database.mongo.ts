// The connection to MongoDB that the read store, the vault and the jobs share. It survives a server that is away: the driver connects
// again by itself, and what is asked meanwhile is rejected within a bound. Not the stores themselves: each is an adapter of its port.
import { MongoClient } from 'mongodb';
import type { Db } from 'mongodb';
import { SnapkeepError } from './events/errors.js';
import { namingFailures } from './events/store-failure.js';

export interface MongoConnection {
  /** The database that the URL names, else `snapkeep`. */
  readonly db: Db;
  /** Throws STORE_UNAVAILABLE where the server does not answer; for readiness. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const FOUND_WITHIN_MS = 5_000;
const CONFIRMED_WITHIN_MS = 10_000;
/** Longer than a confirmation may take. */
const SILENT_FOR_MS = 15_000;

/**
 * Does not wait for the server: what is asked first connects.
 * @throws SnapkeepError CONFIG_INVALID for a URL that is none, without telling it: it may hold a password.
 */
export function openMongo(url: string): MongoConnection {
  const client = newClient(url);
  const db = client.db(/^[^/]+\/\/[^/?]+\/([^?]+)/.exec(url)?.[1] ?? 'snapkeep');
  const { ping } = namingFailures('MongoDB', 'Mongo', { ping: async () => void await db.command({ ping: 1 }) });
  return { db, ping, close: () => client.close() };
}

/** Written durably by most of the servers, and read so that nothing that was read is taken back. */
function newClient(url: string): MongoClient {
  try {
    return new MongoClient(url, {
      appName: 'snapkeep', ignoreUndefined: true,
      serverSelectionTimeoutMS: FOUND_WITHIN_MS, connectTimeoutMS: FOUND_WITHIN_MS, socketTimeoutMS: SILENT_FOR_MS,
      readPreference: 'primary', readConcern: { level: 'majority' },
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: CONFIRMED_WITHIN_MS },
    });
  } catch {
    throw new SnapkeepError('CONFIG_INVALID', 'MongoDB: the URL cannot be used; write mongodb://<user>:<password>@<host>:<port>/<database>, with '
      + 'special characters of user and password percent-encoded');
  }
}
