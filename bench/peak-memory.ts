// The most memory that a process has had resident since it began, as Linux counts it (VmHWM). Not what it has now.
import { readFileSync } from 'node:fs';

/** Bytes. Throws on systems without /proc. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status names no VmHWM: the peak can be measured on Linux only`);
  return Number(kilobytes) * 1024;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
