// How long etcd takes for a small put while a snapshot is read from it: by Snapkeep, by `etcdctl snapshot save`, and with neither.
// The writer puts at a fixed rate, whether or not the puts before were answered.
import { Etcd3 } from 'etcd3';
import { setInterval as every, setTimeout as delay } from 'node:timers/promises';
import { etcdctlSave } from './local-bench.js';
import { printFact, printTimes, quantile } from './measured-times.js';
import { interleaved, startPipeline } from './pipeline-rounds.js';
import type { Ground } from './snapshot-ground.js';

const PUT_EVERY_MS = 10;
const QUIET_MS = 5_000;

export async function benchPutLatency(ground: Ground, rounds: number): Promise<void> {
  const client = new Etcd3({ hosts: (await ground.etcd()).endpoint });
  const pipeline = await startPipeline(ground, { s3: false });
  const save = await etcdctlSave(ground);
  const times = { neither: [] as number[], snapkeep: [] as number[], etcdctl: [] as number[] };
  const during = (kind: keyof typeof times, work: () => Promise<unknown>) => async () => {
    const began = performance.now();
    times[kind].push(...await putsDuring(client, work));
    return { ms: performance.now() - began };
  };
  try {
    await interleaved({
      neither: during('neither', () => delay(QUIET_MS)),
      snapkeep: during('snapkeep', () => pipeline.run({ kind: 'snapshot', targets: ['local'] })),
      etcdctl: during('etcdctl', save),
    }, rounds);
    printTimes('a put, without a snapshot', times.neither);
    printTimes('a put during a snapshot by Snapkeep', times.snapkeep);
    printTimes('a put during etcdctl snapshot save', times.etcdctl);
    printFact('p99 during Snapkeep to p99 during etcdctl (goal 1.0)', (quantile(times.snapkeep, 0.99) / quantile(times.etcdctl, 0.99)).toFixed(2));
  } finally {
    pipeline.stop();
    client.close();
  }
}

/** The times of the puts that were sent while `work` ran. */
async function putsDuring(client: Etcd3, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const puts: Promise<void>[] = [];
  const put = async (n: number): Promise<void> => {
    const began = performance.now();
    await client.put(`bench/${n % 100}`).value('x'.repeat(100));
    times.push(performance.now() - began);
  };
  const ended = new AbortController();
  const writing = (async () => {
    for await (const _ of every(PUT_EVERY_MS)) {
      if (ended.signal.aborted) return;
      puts.push(put(puts.length));
    }
  })();
  await work();
  ended.abort();
  await writing;
  await Promise.all(puts);
  return times;
}
