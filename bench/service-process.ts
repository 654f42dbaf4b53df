// The running service for the measurements: dist/main.js as a child on a free port, with a data directory of its own, and its pid.
// Under the same flags of Node.js as this process, and so as npm start; ended by its pid.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, untilHealthy } from '../demo/wait.js';
import type { LoopDelay } from './loop-delay.js';
import { peakMemory, residentMemory } from './process-usage.js';

export interface Service {
  /** As demo/snapkeep.ts wants it. */
  readonly url: string;
  readonly died: Promise<never>;
  peakBytes(): number;
  residentBytes(): number;
  /** Of its event loop, since it was asked before. */
  loopDelay(): Promise<LoopDelay>;
  stop(): Promise<void>;
}

/** Resolves when it is ready; its log is left in the folder. */
export async function startService(folder: string): Promise<Service> {
  const port = await freePort();
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SNAPKEEP_')));
  const env = {
    ...inherited, SNAPKEEP_PORT: String(port), SNAPKEEP_DATA_DIR: join(folder, 'data'), SNAPKEEP_LOCAL_PATH: join(folder, 'snapshots'),
  };
  const log = openSync(join(folder, 'snapkeep.log'), 'a');
  const main = join(import.meta.dirname, '..', 'main.js');
  const child = spawn(process.execPath, [...process.execArgv, '--import', join(import.meta.dirname, 'loop-delay.js'), main], {
    env, stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const killNow = (): void => { child.kill('SIGKILL'); };
  process.once('exit', killNow);
  const gone = once(child, 'exit');
  const died = gone.then(() => Promise.reject(new Error('the service has ended by itself')));
  died.catch(() => undefined);
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([untilHealthy(`${url}/health/ready`, 60_000, AbortSignal.timeout(60_000)), died]);
  return {
    url, died,
    peakBytes: () => peakMemory(child.pid ?? 0),
    residentBytes: () => residentMemory(child.pid ?? 0),
    async loopDelay() {
      const answer = once(child, 'message') as Promise<[LoopDelay]>;
      child.send('delay');
      return (await Promise.race([answer, died]))[0];
    },
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
      process.off('exit', killNow);
    },
  };
}
