// A snapshot to S3, and to S3 and the local disk from one read, against what it is made of: reading etcd, and uploading the same file.
// Everything runs on this machine, so the servers' share of its processors is part of what is compared; see docs/benchmarks.md.
import { cpus } from 'node:os';
import { printFact } from './measured-times.js';
import { interleaved, medianMs, medianSeconds, roundsText, startPipeline } from './pipeline-rounds.js';
import type { Ground } from './snapshot-ground.js';

export async function benchS3(ground: Ground, rounds: number): Promise<void> {
  const file = await ground.file();
  const pipeline = await startPipeline(ground, { s3: true });
  try {
    const { read, upload, s3, local, both } = await interleaved({
      read: () => pipeline.run({ kind: 'read' }),
      upload: () => pipeline.run({ kind: 'upload', file }),
      s3: () => pipeline.run({ kind: 'snapshot', targets: ['s3'] }),
      local: () => pipeline.run({ kind: 'snapshot', targets: ['local'] }),
      both: () => pipeline.run({ kind: 'snapshot', targets: ['local', 's3'] }),
    }, rounds, () => ground.collectGarbage());
    printFact('reading etcd alone', roundsText(read));
    printFact("uploading the same file alone, with the SDK's Upload", roundsText(upload));
    printFact('snapshot to S3', roundsText(s3));
    printFact('snapshot to the local disk', roundsText(local));
    printFact('snapshot to both', roundsText(both));
    const used = medianSeconds(read) + medianSeconds(upload);
    const shared = used / cpus().length * 1000;
    printFact(`processor seconds of reading and uploading ÷ ${cpus().length} cores`, `${(shared / 1000).toFixed(2)} s`);
    const bound = Math.max(medianMs(read), medianMs(upload), shared);
    printFact('S3: time to the largest of the three (goal 1.1)', (medianMs(s3) / bound).toFixed(2));
    printFact('S3: processor seconds to those of reading and uploading', (medianSeconds(s3) / used).toFixed(2));
    printFact('both: time to the slower target alone (goal 1.1)', (medianMs(both) / Math.max(medianMs(s3), medianMs(local))).toFixed(2));
  } finally {
    pipeline.stop();
  }
}
