// The MongoDB that tests use: SNAPKEEP_TEST_MONGODB_URL, else one that scripts/mongodb-server.mjs starts, shared by a run of jest.
// Registers suites on it; where none can be had they are skipped, by name and with the reason.
import { describe, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { openMongo } from '../database.mongo.js';
import type { MongoConnection } from '../database.mongo.js';
import { startFaultProxy } from './fault-proxy.js';
import type { ConnectionFault, FaultProxy } from './fault-proxy.js';
import { reportSuite } from './suite-report.js';

interface MongoServer {
  /** Without a database. */
  readonly url: string;
  /** FerretDB stands in for MongoDB: it scans where MongoDB uses an index, and proves nothing about races. */
  readonly kind: 'mongodb' | 'ferretdb';
}

export interface TestDatabase extends MongoConnection {
  readonly url: string;
  /** Drops the database and closes the connection. */
  dispose(): Promise<void>;
}

export type OpenTestDatabase = () => TestDatabase;

/** To be awaited at the top of a test file. `register` is given what makes a database of the caller's own. */
export async function mongoSuite(name: string, register: (open: OpenTestDatabase) => void): Promise<void> {
  registerOn(name, await sharedServer(), register);
}

/** The same for what FerretDB cannot show: use of indexes, figures, races between processes. */
export async function realMongoSuite(name: string, register: (open: OpenTestDatabase) => void): Promise<void> {
  const server = await sharedServer();
  const stand = 'kind' in server && server.kind === 'ferretdb';
  registerOn(name, stand ? { unavailable: 'FerretDB stands in for MongoDB and cannot show it' } : server, register);
}

function registerOn(name: string, server: MongoServer | { unavailable: string }, register: (open: OpenTestDatabase) => void): void {
  reportSuite(name, 'url' in server ? server.kind : null);
  if ('url' in server) describe(`${name} (${server.kind})`, () => { register(() => testDatabase(server)); });
  else test.skip(`${name} NOT RUN: ${server.unavailable}`, () => undefined);
}

function testDatabase({ url }: MongoServer): TestDatabase {
  const [base, options = ''] = url.split('?');
  const own = `${base?.replace(/(\/\/[^/]+).*/, '$1') ?? ''}/snapkeep-test-${randomUUID().slice(0, 8)}${options === '' ? '' : `?${options}`}`;
  const connection = openMongo(own);
  const dispose = async (): Promise<void> => {
    await connection.db.dropDatabase();
    await connection.close();
  };
  return { ...connection, url: own, dispose };
}

export interface BreakableConnection extends MongoConnection {
  readonly url: string;
  readonly proxy: FaultProxy<ConnectionFault>;
}

/** Another connection to the same database, by way of a proxy that breaks it on command; closing ends the proxy too. */
export async function connectThroughProxy({ url }: TestDatabase): Promise<BreakableConnection> {
  const [, user = '', host = '', rest = ''] = /^mongodb:\/\/([^@/]*@)?([^/?,]+)[^/?]*([^?]*)/.exec(url) ?? [];
  const proxy = await startFaultProxy(`mongodb://${host.includes(':') ? host : `${host}:27017`}`);
  const broken = `mongodb://${user}${new URL(proxy.endpoint).host}${rest}?directConnection=true`;
  const connection = openMongo(broken);
  const close = async (): Promise<void> => {
    await connection.close();
    await proxy.close();
  };
  return { ...connection, url: broken, proxy, close };
}

async function sharedServer(): Promise<MongoServer | { unavailable: string }> {
  const given = process.env['SNAPKEEP_TEST_MONGODB_URL'];
  if (given !== undefined) return { url: given, kind: 'mongodb' };
  const owner = process.env['SNAPKEEP_TEST_SERVER_OWNER'];
  if (owner === undefined) return { unavailable: 'this is no run of jest' };
  return JSON.parse(await (await fetch(`${owner}/mongodb`)).text()) as MongoServer | { unavailable: string };
}
