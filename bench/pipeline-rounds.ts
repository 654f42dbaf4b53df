// The pipeline's process as the measurements use it: started under the same flags of Node.js as npm start, and asked for one work at a time.
// What it does is in pipeline-process.ts.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Encoding } from '../events/target-events.js';
import { median } from './measured-times.js';
import type { PipelineSetup, Work, WorkDone } from './pipeline-process.js';
import { processorSeconds, residentMemory } from './process-usage.js';
import type { Ground } from './snapshot-ground.js';

export interface Pipeline {
  /** Bytes, when it was ready and before it did anything. */
  readonly idleBytes: number;
  run(work: Work): Promise<WorkDone>;
  stop(): void;
}

/** To one of the recipients that age's own documentation shows. */
export const benchEncoding: Encoding = {
  compression: 'ZSTD', compressionLevel: 3, ageRecipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
};

export async function startPipeline(ground: Ground, { s3 }: { readonly s3: boolean }): Promise<Pipeline> {
  const { endpoint } = await ground.etcd();
  const setup: PipelineSetup = { endpoint, folder: ground.newFolder(), bucket: s3 ? await ground.bucket() : null, encoding: benchEncoding };
  const child = fork(join(import.meta.dirname, 'pipeline-process.js'), [JSON.stringify(setup)]);
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the pipeline has ended; see its error above')));
  ended.catch(() => undefined);
  const message = async (): Promise<unknown> => (await Promise.race([once(child, 'message'), ended]) as [unknown])[0];
  await message();
  return {
    idleBytes: residentMemory(child.pid ?? 0),
    async run(work) {
      const answer = message();
      child.send(work);
      return await answer as WorkDone;
    },
    stop: () => child.kill(),
  };
}

export interface Round {
  readonly ms: number;
  /** Of the processor, by this process and all that it started, servers included. */
  readonly seconds: number;
}

export type Taker = () => Promise<{ readonly ms: number }>;

/** Each taker once a round, in turn and every second round in reverse, after what is dirty has been written out; `between` after each. */
export async function interleaved<Name extends string>(
  takers: Readonly<Record<Name, Taker>>, rounds: number, between: () => Promise<unknown> = async () => undefined,
): Promise<Record<Name, readonly Round[]>> {
  const names = Object.keys(takers) as Name[];
  const taken = Object.fromEntries(names.map((name) => [name, [] as Round[]])) as Record<Name, Round[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      await promisify(execFile)('sync');
      const before = processorSeconds();
      const { ms } = await takers[name]();
      taken[name].push({ ms, seconds: processorSeconds() - before });
      await between();
    }
  }
  return taken;
}

export const medianMs = (rounds: readonly Round[]): number => median(rounds.map(({ ms }) => ms));
export const medianSeconds = (rounds: readonly Round[]): number => median(rounds.map(({ seconds }) => seconds));

/** `4.31 4.50 s, median 4.41 s, 8.0 s of the processor`. */
export function roundsText(rounds: readonly Round[]): string {
  const each = rounds.map(({ ms }) => (ms / 1000).toFixed(2)).join(' ');
  return `${each} s, median ${(medianMs(rounds) / 1000).toFixed(2)} s, ${medianSeconds(rounds).toFixed(1)} s of processor`;
}
