// The entry of `npm run bench`: runs every measurement in turn and prints what was measured, the machine's load with it.
// BENCH_GB, BENCH_ROUNDS and BENCH_SNAPSHOTS set the sizes; arguments choose some of the parts below.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { benchLocal } from './local-bench.js';
import { benchMemory } from './memory-bench.js';
import { benchPutLatency } from './put-latency-bench.js';
import { benchReplay } from './replay-bench.js';
import { benchS3 } from './s3-bench.js';
import { benchService } from './service-bench.js';
import { benchServiceSnapshots } from './service-snapshot-bench.js';
import { snapshotGround } from './snapshot-ground.js';

const number = (name: string, fallback: number): number => {
  const value = Number(process.env[name] ?? fallback);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`${name} must be a number above 0`);
};
const listed = number('BENCH_SNAPSHOTS', 100_000);

const rounds = number('BENCH_ROUNDS', 4);

// Gigabytes are written: all of it lies in one folder, which goes at an interruption too, after the children, who go at 'exit'.
const folder = mkdtempSync(join(tmpdir(), 'snapkeep-bench-'));
process.env['TMPDIR'] = folder;
const ground = snapshotGround(number('BENCH_GB', 1.1), folder);

const parts: Readonly<Record<string, () => Promise<void>>> = {
  local: () => benchLocal(ground, rounds),
  s3: () => benchS3(ground, rounds),
  memory: () => benchMemory(ground),
  snapshot: () => benchServiceSnapshots(ground),
  puts: () => benchPutLatency(ground, rounds),
  service: benchService,
  list: benchList,
  replay: () => benchReplay(listed),
};

/** In a process of its own, so that its memory and garbage are nobody else's. */
async function benchList(): Promise<void> {
  const args = [...process.execArgv, join(import.meta.dirname, 'read-store-bench.js'), String(listed)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`read-store-bench.js ended with ${String(child.exitCode ?? child.signalCode)}`);
}

function load(): string {
  return `load average ${loadavg().map((average) => average.toFixed(1)).join(' ')}`;
}

async function runParts(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.find((name) => !(name in parts));
  if (unknown !== undefined) throw new Error(`there is no part '${unknown}'; there are: ${Object.keys(parts).join(', ')}`);
  console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}`);
  for (const [name, run] of Object.entries(parts)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`${name}  (${load()} before)`);
    await run();
    console.log(`  (${load()} after)`);
  }
}

const removeAll = (): void => { rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }); };
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    process.once('exit', removeAll);
    process.exit(1);
  });
}
try {
  await runParts(process.argv.slice(2));
} finally {
  await ground.stop();
  removeAll();
}
