// The EventStoreDB that contract suites run on: SNAPKEEP_TEST_ESDB_URL, else a container where Docker answers, else the stand-in.
// Tests of failures always use the stand-in, which can be made to fail: services/eventstoredb/.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { untilTrue } from './eventual-fact.js';
import { startEventStoreDbStandIn } from './services/eventstoredb/eventstoredb-server.js';

const image = 'eventstore/eventstore:24.10';

export interface TestEventStoreDb {
  /** For the report of the run. */
  readonly name: string;
  /** A connection string. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** To be awaited at the top of a test file. The server may be shared: use a namespace of your own. */
export async function testEventStoreDb(): Promise<TestEventStoreDb> {
  const url = process.env['SNAPKEEP_TEST_ESDB_URL'];
  if (url) return { name: 'EventStoreDB of SNAPKEEP_TEST_ESDB_URL', url, stop: async () => undefined };
  return await container() ?? await standInEventStoreDb();
}

export async function standInEventStoreDb(): Promise<TestEventStoreDb> {
  const server = await startEventStoreDbStandIn();
  return { name: 'stand-in for EventStoreDB', url: `esdb://${server.address}?tls=false`, stop: server.kill };
}

/** Null where no engine answers or the image cannot be had. */
async function container(): Promise<TestEventStoreDb | null> {
  const settings = ['INSECURE=true', 'MEM_DB=true', 'RUN_PROJECTIONS=None', 'TELEMETRY_OPTOUT=true'].flatMap((one) => ['-e', `EVENTSTORE_${one}`]);
  const id = await docker('run', '-d', '--rm', '-p', '127.0.0.1::2113', ...settings, image);
  if (id === null) return null;
  const address = await docker('port', id, '2113');
  const stop = async (): Promise<void> => { await docker('rm', '-f', id); };
  const isLive = async (): Promise<boolean> => (await fetch(`http://${address}/health/live`).catch(() => null))?.status === 204;
  try {
    await untilTrue(`${image} is live`, isLive, { withinMs: 60_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: `${image} in Docker`, url: `esdb://${address}?tls=false`, stop };
}

async function docker(...args: readonly string[]): Promise<string | null> {
  try {
    return (await promisify(execFile)('docker', args)).stdout.trim();
  } catch {
    return null;
  }
}
