// What processes use, as Linux counts it in /proc: memory that is resident, now and at its peak, and seconds of the processor.
// Of processes on this machine only; a server in a container or elsewhere is not seen.
import { readFileSync, readdirSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Bytes, the most since the process began. Throws on systems without /proc, as all of these do. */
export const peakMemory = (pid: number): number => memory(pid, 'VmHWM');

/** Bytes, now. */
export const residentMemory = (pid: number): number => memory(pid, 'VmRSS');

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Seconds that this one process has used so far, and the children that it has seen end; NaN for one that has ended. */
export const processorSecondsOf = (pid: number): number => (usageOf(pid)?.ticks ?? Number.NaN) / TICKS_PER_SECOND;

/** Seconds that this process, all that it started and all that those started have used so far, whether they still run or not. */
export function processorSeconds(): number {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => usageOf(Number(name)) ?? []);
  const ours = new Set([process.pid]);
  for (let known = 0; known < ours.size;) {
    known = ours.size;
    for (const { pid, parent } of processes) if (ours.has(parent)) ours.add(pid);
  }
  return processes.filter(({ pid }) => ours.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

interface Usage {
  readonly pid: number;
  readonly parent: number;
  /** Its own and those of the children that it has seen end. */
  readonly ticks: number;
}

/** See proc_pid_stat(5): after the name in parentheses the fields are numbered from 3. Null for one that has just ended. */
function usageOf(pid: number): Usage | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + each, 0);
    return { pid, parent: fields[1] ?? 0, ticks };
  } catch {
    return null;
  }
}

function memory(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status names no ${field}: memory can be measured on Linux only`);
  return Number(kilobytes) * 1024;
}
