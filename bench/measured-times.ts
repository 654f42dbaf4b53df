// What a list of measured times says: median, share, and a line to print. Not the measuring itself.

/** The time that `share` of all times do not exceed; NaN where nothing was measured. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Of an even number, the mean of the two in the middle. */
export function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

export function printTimes(name: string, timesMs: readonly number[]): void {
  const [p50, p99] = [quantile(timesMs, 0.5), quantile(timesMs, 0.99)].map((time) => time.toFixed(1).padStart(7));
  console.log(`  ${name.padEnd(58)} p50 ${p50} ms   p99 ${p99} ms   (${timesMs.length} times)`);
}

export function printFact(name: string, fact: string): void {
  console.log(`  ${name.padEnd(58)} ${fact}`);
}

/** Milliseconds that `work` took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
