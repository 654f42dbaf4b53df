// A child process of the demo: its output goes to a file, it is ended by its pid, an early end is told with its last words.
// Knows nothing of etcd or Snapkeep.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface Child {
  /** Rejects when the child ends without having been told to; never resolves. */
  readonly died: Promise<never>;
  /** Ends the child (SIGTERM, after the patience SIGKILL) and resolves when it is gone; may be called again. */
  stop(): Promise<void>;
}

export interface ChildCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly patienceMs: number;
}

/** A process group of its own: Ctrl-C reaches only the demo, which ends its children in order. */
export function startChild({ name, command, args, env, logFile, patienceMs }: ChildCommand): Child {
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { env, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  let stopping = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => { resolve(`did not start: ${error.message}`); });
    child.once('exit', (code, signal) => { resolve(`ended by itself (${signal ?? `exit code ${code}`})`); });
  });
  const died = new Promise<never>((_, reject) => {
    void ended.then((how) => { if (!stopping) reject(new Error(`${name} ${how}. It said last:\n${lastWords(logFile)}`)); });
  });
  died.catch(() => undefined); // whoever waits for the child learns it from `died`; nobody may be waiting just then
  const stop = async () => {
    stopping = true;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await gone;
    clearTimeout(timer);
  };
  return { died, stop };
}

function lastWords(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12).map((line) => `  ${line}`).join('\n');
}
