// A snapshot of a large etcd through the running service, as a user asks for it: the time, how late the event loop is meanwhile, and memory.
// One service for each kind of target, so that each peak is its own. Not compared with anything: see local-bench.ts and s3-bench.ts.
import { stat } from 'node:fs/promises';
import { plainEncoding } from '../events/target-events.js';
import type { Encoding } from '../events/target-events.js';
import { printFact, timed } from './measured-times.js';
import { benchEncoding } from './pipeline-rounds.js';
import { megabytes } from './process-usage.js';
import { startService } from './service-process.js';
import { createS3Target, registerCluster, takeSnapshot } from './service-snapshot.js';
import type { Ground } from './snapshot-ground.js';

interface Kind {
  readonly name: string;
  /** Null: the target `local`. */
  readonly encoding: Encoding | null;
}

const kinds: readonly Kind[] = [
  { name: 'local', encoding: null }, { name: 's3', encoding: plainEncoding }, { name: 's3, zstd and age', encoding: benchEncoding },
];

export async function benchServiceSnapshots(ground: Ground): Promise<void> {
  for (const kind of kinds) await benchKind(ground, kind);
}

async function benchKind(ground: Ground, { name, encoding }: Kind): Promise<void> {
  const { size } = await stat(await ground.file());
  const { endpoint } = await ground.etcd();
  const service = await startService(ground.newFolder());
  try {
    if (encoding !== null) await createS3Target(service, 's3', await ground.bucket(), encoding);
    const policy = { recurringEnabled: false, targetIds: [encoding === null ? 'local' : 's3'] };
    await registerCluster(service, { id: 'large', endpoints: [endpoint], policy });
    const idle = service.residentBytes();
    await service.loopDelay();
    const ms = await timed(() => takeSnapshot(service, 'large'));
    const { p99, max } = await service.loopDelay();
    const peak = service.peakBytes();
    printFact(`${name}: request to completion message`, `${(ms / 1000).toFixed(2)} s, ${(size / 1e3 / ms).toFixed(0)} MB/s`);
    printFact(`${name}: delay of the event loop (goal p99 50 ms)`, `p99 ${p99.toFixed(1)} ms, most ${max.toFixed(1)} ms`);
    printFact(`${name}: peak RSS (idle; goal 100 MB above)`, `${megabytes(peak)} (${megabytes(idle)}), ${megabytes(peak - idle)} above`);
  } finally {
    await service.stop();
  }
  if (encoding !== null) await ground.collectGarbage();
}
