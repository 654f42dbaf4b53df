// Runs a command of the machine to its end and says how it went. Not for what should be seen while it runs.
import { spawnSync } from 'node:child_process';

export const runs = (command, args, options) => spawnSync(command, args, { ...options, stdio: 'ignore' }).status === 0;

/** Runs a command; undefined when it succeeded, else what it said last. */
export function attempt(command, args, options) {
  const run = spawnSync(command, args, { encoding: 'utf8', ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  if (run.status === 0) return undefined;
  return `${command} ${args[0] === '-qq' ? args.at(-1) : args[0]}: ${run.error?.message ?? lastLine(run.stderr)}`;
}

export const lastLine = (text) => text.trim().split('\n').at(-1) ?? '';
