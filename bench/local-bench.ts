// A snapshot of a large etcd on the local disk by Snapkeep, verified and durable, against `etcdctl snapshot save`, in turn.
// Not its memory (memory-bench.ts), nor what etcd's other clients feel of it (put-latency-bench.ts).
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { printFact, timed } from './measured-times.js';
import { interleaved, medianMs, medianSeconds, roundsText, startPipeline } from './pipeline-rounds.js';
import type { Taker } from './pipeline-rounds.js';
import { megabytes } from './process-usage.js';
import type { Ground } from './snapshot-ground.js';

export async function benchLocal(ground: Ground, rounds: number): Promise<void> {
  const pipeline = await startPipeline(ground, { s3: false });
  try {
    const { size } = await stat(await ground.file());
    const { snapkeep, etcdctl } = await interleaved({
      snapkeep: () => pipeline.run({ kind: 'snapshot', targets: ['local'] }), etcdctl: await etcdctlSave(ground),
    }, rounds);
    printFact('size of the snapshot', megabytes(size));
    printFact('Snapkeep, verified and durable', roundsText(snapkeep));
    printFact('etcdctl snapshot save', roundsText(etcdctl));
    printFact("Snapkeep's time to etcdctl's, medians (goal 1.0)", (medianMs(snapkeep) / medianMs(etcdctl)).toFixed(2));
    printFact("Snapkeep's processor seconds to etcdctl's", (medianSeconds(snapkeep) / medianSeconds(etcdctl)).toFixed(2));
  } finally {
    pipeline.stop();
  }
}

export async function etcdctlSave(ground: Ground): Promise<Taker> {
  const etcd = await ground.etcd();
  const file = join(ground.newFolder(), 'etcdctl.db');
  return async () => {
    const ms = await timed(() => etcd.ctl('snapshot', 'save', file));
    await rm(file);
    return { ms };
  };
}
