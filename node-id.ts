// Who this node is on every copy that it stores: the configured name, or an id made once. Kept in the data directory for good,
// since copies are found by it: only a worker of their node reads and prunes them.
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SnapkeepError } from './events/errors.js';

/**
 * The caller holds the data directory: nobody else makes the file at the same time.
 * @throws SnapkeepError CONFIG_INVALID when the name is not the one that this data directory's copies are recorded under.
 */
export function readNodeId(dataDir: string, nodeName: string | null): string {
  const file = join(dataDir, 'node-id');
  if (!existsSync(file)) writeOnce(file, `${nodeName ?? `node-${randomBytes(6).toString('hex')}`}\n`);
  const kept = readFileSync(file, 'utf8').trim();
  if (nodeName === null || nodeName === kept) return kept;
  throw new SnapkeepError('CONFIG_INVALID', `SNAPKEEP_NODE_NAME is ${nodeName}, but the copies of this data directory are recorded under `
    + `${kept}, and only a node of that name reads and prunes them: set SNAPKEEP_NODE_NAME=${kept}, or use a data directory of its own`);
}

function writeOnce(file: string, text: string): void {
  const draft = `${file}.part`;
  const descriptor = openSync(draft, 'w', 0o600);
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draft, file);
}
