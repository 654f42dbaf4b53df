// The most memory that the pipeline takes above what its process has when idle, one process for each kind of target.
// The whole service's: service-snapshot.ts.
import { printFact } from './measured-times.js';
import type { Work } from './pipeline-process.js';
import { startPipeline } from './pipeline-rounds.js';
import { megabytes } from './process-usage.js';
import type { Ground } from './snapshot-ground.js';

type Targets = Extract<Work, { kind: 'snapshot' }>['targets'];
const kinds: readonly Targets[] = [['local'], ['s3'], ['local', 's3'], ['s3-encoded']];

export async function benchMemory(ground: Ground): Promise<void> {
  for (const targets of kinds) {
    const pipeline = await startPipeline(ground, { s3: true });
    try {
      const { bytes, peakBytes } = await pipeline.run({ kind: 'snapshot', targets });
      printFact(`snapshot of ${megabytes(bytes)} to ${targets.join(' and ')}: peak RSS (idle)`,
        `${megabytes(peakBytes)} (${megabytes(pipeline.idleBytes)}), ${megabytes(peakBytes - pipeline.idleBytes)} above`);
    } finally {
      pipeline.stop();
    }
    await ground.collectGarbage();
  }
}
