// Who this node is on every copy that it stores: the configured name, or an id made once in the data directory.
// Not the worker's identity on the network; it only has to stay the same for as long as the disk does.
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The caller holds the data directory: nobody else makes the file at the same time. */
export function readNodeId(dataDir: string, nodeName: string | null): string {
  if (nodeName !== null) return nodeName;
  const file = join(dataDir, 'node-id');
  if (!existsSync(file)) writeOnce(file, `node-${randomBytes(6).toString('hex')}\n`);
  return readFileSync(file, 'utf8').trim();
}

function writeOnce(file: string, text: string): void {
  const draft = `${file}.part`;
  const descriptor = openSync(draft, 'w', 0o600);
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draft, file);
}
