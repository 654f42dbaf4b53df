// Snapshot of a large etcd by Snapkeep, verified and on disk, against `etcdctl snapshot save`, in turn; and the peak memory it takes.
// Fills a real etcd of its own, and takes everything away again.
import { execFile, fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { putKeys } from '../test/etcd-keys.js';
import { startEtcd } from '../test/etcd-process.js';
import type { TestEtcd } from '../test/etcd-process.js';
import { median, printFact, timed } from './measured-times.js';
import { megabytes } from './peak-memory.js';
import { measureServiceSnapshot } from './service-snapshot.js';
import type { PipelineRound } from './snapshot-pipeline.js';

export interface SnapshotBench {
  readonly gigabytes: number;
  readonly rounds: number;
}

const VALUE_BYTES = 10_000;
const run = promisify(execFile);

export async function benchSnapshots({ gigabytes, rounds }: SnapshotBench): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'snapkeep-bench-'));
  const etcd = await startEtcd({ args: ['--unsafe-no-fsync'] });
  try {
    await putKeys(etcd.connection, { count: Math.ceil(gigabytes * 1e9 / VALUE_BYTES), valueBytes: VALUE_BYTES });
    await compareRounds(etcd, folder, rounds);
    await measureServiceSnapshot(etcd.endpoint, folder);
  } finally {
    await etcd.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function compareRounds(etcd: TestEtcd, folder: string, rounds: number): Promise<void> {
  const root = join(folder, 'target');
  await mkdir(root);
  const pipeline = fork(join(import.meta.dirname, 'snapshot-pipeline.js'), [etcd.endpoint, root]);
  const ours: PipelineRound[] = [];
  const theirs: number[] = [];
  const takers = [
    async () => { ours.push(await pipelineRound(pipeline)); },
    async () => { theirs.push(await etcdctlRound(etcd, join(folder, 'etcdctl.db'))); },
  ];
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const take of round % 2 === 0 ? takers : takers.toReversed()) {
        await run('sync');
        await take();
      }
    }
  } finally {
    pipeline.kill();
  }
  report(ours, theirs);
}

async function pipelineRound(pipeline: ChildProcess): Promise<PipelineRound> {
  const ended = once(pipeline, 'exit').then(() => Promise.reject(new Error('the pipeline has ended; see its error above')));
  pipeline.send('snapshot');
  const [answer] = await Promise.race([once(pipeline, 'message'), ended]) as [PipelineRound];
  ended.catch(() => undefined);
  return answer;
}

async function etcdctlRound(etcd: TestEtcd, file: string): Promise<number> {
  const ms = await timed(() => etcd.ctl('snapshot', 'save', file));
  await rm(file);
  return ms;
}

function report(ours: readonly PipelineRound[], theirs: readonly number[]): void {
  const bytes = ours[0]?.bytes ?? 0;
  const mine = ours.map(({ ms }) => ms);
  const seconds = (times: readonly number[]): string => times.map((ms) => (ms / 1000).toFixed(2)).join(' ');
  const rate = (times: readonly number[]): string => `${(bytes / 1e3 / median(times)).toFixed(0)} MB/s`;
  printFact('size of the snapshot', megabytes(bytes));
  printFact('Snapkeep, verified and on disk', `${seconds(mine)} s, median ${rate(mine)}`);
  printFact('etcdctl snapshot save', `${seconds(theirs)} s, median ${rate(theirs)}`);
  printFact("ratio of the medians, Snapkeep's time to etcdctl's", (median(mine) / median(theirs)).toFixed(2));
  printFact('peak RSS of the pipeline in a process of its own', megabytes(ours.at(-1)?.peakBytes ?? 0));
}
