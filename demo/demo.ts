// `npm run demo`: a throwaway etcd, Snapkeep on it, one snapshot followed to its end, then recurring ones and retention to watch.
// Everything lives in one temporary folder and two child processes, which end with the demo however it ends.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedKeys, startEtcd, untilEtcdIsReady } from './etcd.js';
import { say } from './screen.js';
import { connect, startSnapkeep, untilSnapkeepIsReady } from './snapkeep.js';
import { freePort, within } from './wait.js';
import { CRON, followToItsEnd, registerCluster, requestSnapshot, RETENTION, showCheck, showList, watch } from './walk.js';

const KEYS = 4000;
const PORT = 4000;

async function demo(ending: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'snapkeep-demo-'));
  ending.defer(() => rm(folder, { recursive: true, force: true }));

  const etcd = await startEtcd(folder);
  ending.defer(() => etcd.stop());
  await untilEtcdIsReady(etcd, signal);
  await seedKeys(etcd, KEYS, signal);
  say(`etcd runs at ${etcd.endpoint} with ${KEYS} keys`);

  const port = await freePort(PORT);
  if (port !== PORT) say(`Port ${PORT} is taken by another program: using ${port}`);
  const snapkeep = startSnapkeep(folder, port);
  ending.defer(() => snapkeep.stop());
  await untilSnapkeepIsReady(snapkeep, signal);
  say(`Snapkeep runs at ${snapkeep.url}; its log is ${join(folder, 'snapkeep.log')}`);

  const client = connect(snapkeep);
  ending.defer(() => client.dispose());
  const walk = async () => {
    await registerCluster(snapkeep, etcd.endpoint, signal);
    say(`Cluster registered: a snapshot every 20 s (${CRON}), the newest ${RETENTION} are kept. Taking one now, by hand:`);
    const request = await requestSnapshot(snapkeep, signal);
    const end = followToItsEnd(client, request.id, request.cursor);
    const { snapshot, cursor } = await within(120_000, 'The snapshot has not ended within two minutes', end);
    say();
    await showList(snapkeep, signal);
    say();
    showCheck(snapshot);
    say();
    say(`ready ${snapkeep.url}/graphql`);
    if (process.env['DEMO_EXIT'] === '1') return;
    say('Open it in a browser to query it. Below: what the schedule takes and retention prunes. Ctrl-C ends the demo.');
    await watch(client, cursor);
    throw new Error('The subscription ended, though Snapkeep should still be running');
  };
  await Promise.race([walk(), etcd.died, snapkeep.died, aborted(signal)]);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => { reject(signal.reason as Error); }, { once: true });
  });
}

async function run(): Promise<number> {
  const stop = new AbortController();
  // A terminal and npm each send the signal: the second one must not cut the clean-up short.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { stop.abort(); });
  await using ending = new AsyncDisposableStack();
  try {
    await demo(ending, stop.signal);
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) {
      say(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    }
    say('\nStopping …');
    return 0;
  }
}

process.exitCode = await run();
