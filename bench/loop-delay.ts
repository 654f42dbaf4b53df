// Loaded before the service's own code (--import): tells its parent, when asked, how late its event loop was since it was asked before.
// Changes nothing else of the process, and does not hold it.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The answer, in ms: of samples each 10 ms, which count in it. */
export interface LoopDelay {
  readonly p99: number;
  readonly max: number;
}

const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();
process.on('message', () => {
  const told: LoopDelay = { p99: delays.percentile(99) / 1e6, max: delays.max / 1e6 };
  delays.reset();
  process.send?.(told);
});
process.channel?.unref();
