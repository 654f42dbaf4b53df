// Connection strings of EventStoreDB, and servers with TLS and a user: what is refused is named, and no password is ever said.
// On the stand-in with certificates of this run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type EventStoreDbStandIn, startEventStoreDbStandIn } from '../test/services/eventstoredb/eventstoredb-server.js';
import { reportSuite } from '../test/suite-report.js';
import { createTlsCertificates, type TlsCertificates } from '../test/tls-certificates.js';
import { gather, names, pinned } from './event-samples.contract.js';
import type { EventStore } from './event-store.js';
import { openEventStoreDb } from './event-store.eventstoredb.js';
import { eventStoreDbFault } from './server-connection.eventstoredb.js';

const password = 'p@ss:w0rd/&?';
const user = `admin:${encodeURIComponent(password)}`;

describe('a connection string', () => {
  test.each([
    'esdb://db:2113?tls=false', 'esdb+discover://db.example?tls=false', 'esdb://a:1,b:2?tls=false&gossip_timeout=3',
    'esdb://user:secret@db:2113', `esdb://${user}@db:2113?tls=true&keepAliveInterval=10000`, 'esdb://127.0.0.1:2113/?tls=false',
  ])('%s can be used', (connectionString) => {
    expect(eventStoreDbFault(connectionString)).toBeNull();
  });

  const warned = jest.spyOn(console, 'warn');
  test.each([
    ['another scheme', 'kurrentdb://u:secret@db', /esdb:\/\/user:password@host/],
    ['no user with TLS', 'esdb://db:2113', /names no user/],
    ['no password', 'esdb://secret@db:2113', /a user and a password/],
    ['a password that is not percent-encoded', 'esdb://u:secret@x@db', /percent-encoded/],
    ['half a percent sign', 'esdb://u:secret%@db', /percent-encoded/],
    ['a password in place of the port', 'esdb://u:secret', /names no user|port number/],
    ['a password in place of the port, without TLS', 'esdb://u:secret?tls=false', /port number/],
    ['an option that the client would only warn of', 'esdb://u:secret@db?tlsInsecure=true', /option tlsinsecure/],
    ['an option that reads what is old', 'esdb://u:secret@db?nodePreference=follower', /option nodepreference/],
    ['an option that does nothing', 'esdb://u:secret@db?tlsVerifyCert=false', /option tlsverifycert/],
    ['a value that is none', 'esdb://u:secret@db?tls=maybe', /true or false/],
    ['a CA file that is missing', 'esdb://u:secret@db?tlsCAFile=/nowhere/ca.crt', /certificate file/],
    ['nothing', '', /must be esdb/],
  ])('with %s is refused, without a word of the password', async (_, connectionString, why) => {
    expect(eventStoreDbFault(connectionString)).toMatch(why);
    const opening = openEventStoreDb(connectionString);
    await expect(opening).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(/^SNAPKEEP_EVENT_STORE /) });
    expect(inspect(await opening.catch((error: unknown) => error), { depth: 10 })).not.toContain('secret');
    expect(warned).not.toHaveBeenCalled();
  });
});

const secured = 'EventStoreDB with TLS and a user';
reportSuite(secured, 'stand-in for EventStoreDB');

describe(secured, () => {
  let folder: string;
  let tls: TlsCertificates;
  let foreign: TlsCertificates;
  let server: EventStoreDbStandIn;
  let stores: EventStore[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'snapkeep-esdb-'));
    tls = createTlsCertificates(folder);
    const other = mkdtempSync(join(folder, 'other-'));
    foreign = createTlsCertificates(other);
    server = await startEventStoreDbStandIn({ secure: { certificate: tls.files.server, user: 'admin', password } });
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    stores = [];
  });
  afterAll(async () => {
    await server.kill();
    rmSync(folder, { recursive: true });
  });
  const open = async (who: string, query: string): Promise<EventStore> => {
    const port = server.address.split(':')[1];
    const store = await openEventStoreDb(`esdb://${who}@localhost:${port}?${query}`, { openWithinMs: 2000, readWithinMs: 500, appendWithinMs: 500 });
    stores.push(store);
    return store;
  };
  const caFile = (certificates: TlsCertificates): string => `tlsCAFile=${encodeURIComponent(certificates.files.ca)}`;

  test('is used by the user of the connection string', async () => {
    const store = await open(user, caFile(tls));
    await store.append('cluster-a', 'none', [pinned('s')]);
    expect(await names(store.readAll())).toEqual(['s']);
    for await (const followed of store.follow({ signal: new AbortController().signal })) if (followed.kind === 'caught-up') break;
  });

  test.each([
    ['a wrong password', () => open(`admin:${encodeURIComponent(`${password}!`)}`, caFile(tls)), /refuses the user/],
    ['another CA', () => open(user, caFile(foreign)), /not trusted/],
    ['no CA', () => open(user, 'tls=true'), /not trusted/],
  ])('is not opened with %s, and says no password', async (_, opening, why) => {
    const error: unknown = await opening().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(why) });
    for (const secret of [password, encodeURIComponent(password), Buffer.from(`admin:${password}`).toString('base64')]) {
      expect(inspect(error, { depth: 10 })).not.toContain(secret);
    }
  });

  test('that goes away is named without the password', async () => {
    const store = await open(user, caFile(tls));
    await server.kill();
    await expect(store.append('cluster-b', 'none', [pinned('s')])).rejects.toMatchObject({ code: 'IN_DOUBT' });
    const error: unknown = await gather(store.readAll()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(inspect(error, { depth: 10 })).not.toContain(password);
    await server.start();
  });
});
