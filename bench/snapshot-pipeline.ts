// A process of its own that takes snapshots with Snapkeep's pipeline, one for each message from its parent, verified and on disk.
// Arguments: etcd's endpoint, the root of a local target. Without the service around it: see snapshot-bench.ts for that.
import { join } from 'node:path';
import { connectEtcd } from '../services/etcd/etcd-client.js';
import type { StoredKey } from '../events/cluster-events.js';
import { createSpool } from '../services/snapshots/growing-spool.js';
import { readSnapshot } from '../services/snapshots/snapshot-read.js';
import { spoolFile } from '../services/snapshots/spool.js';
import { localTarget } from '../services/targets/target.local.js';
import { openTargetRoots } from '../services/targets/target-roots.js';
import { peakMemory } from './peak-memory.js';

/** The answer to one message. */
export interface PipelineRound {
  readonly ms: number;
  readonly bytes: number;
  readonly peakBytes: number;
}

const [endpoint = '', root = ''] = process.argv.slice(2);
const connection = { endpoints: [endpoint], ca: null, clientCertificate: null, clientKey: null, username: null, password: null };
const etcd = connectEtcd(connection);
const target = localTarget({ targetId: 'local', nodeId: 'bench', root, roots: openTargetRoots(join(root, '..', 'target-roots.json')) });
const { signal } = new AbortController();
let round = 0;

/** The steps of services/snapshots/copied-read.ts, without the lease and its records in the ledger. */
async function takeSnapshot(): Promise<{ keys: readonly StoredKey[]; bytes: number }> {
  const folder = `bench/round-${round}/1`;
  const { dbSize, version, memberId } = await etcd.status(endpoint);
  await target.preflight(dbSize);
  const spoolFolder = await target.spoolFolder();
  if (spoolFolder === null) throw new Error('a local target has a folder to spool in');
  const takenAt = new Date().toISOString();
  const stream = await etcd.openSnapshot(endpoint, { signal, idleTimeoutMs: 60_000 });
  const spooling = await createSpool(spoolFile(spoolFolder, folder), stream.totalBytes);
  const stored = target.store({ folder }, spooling.source, signal);
  const read = await readSnapshot(stream, spooling, { signal, onProgress: () => undefined });
  const { fileSize: size, fileSha256, revision, keyCount, databaseSize, sha256 } = read;
  spooling.verified({ size, sha256: fileSha256, manifest: {
    version: 1, snapkeepVersion: 'bench', clusterId: 'bench', snapshotId: `bench.${round}`, name: `round-${round}`, part: 'any', attempt: 1,
    takenAt, etcdVersion: version, member: memberId, revision, keyCount, databaseSize, sha256,
  } });
  const { keys } = await stored;
  await spooling.close();
  await spooling.discard();
  return { keys, bytes: size };
}

async function answerRound(): Promise<void> {
  round += 1;
  const began = performance.now();
  const { keys, bytes } = await takeSnapshot();
  const answer: PipelineRound = { ms: performance.now() - began, bytes, peakBytes: peakMemory(process.pid) };
  await target.remove(keys);
  process.send?.(answer);
}

process.on('message', () => {
  answerRound().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.once('disconnect', () => etcd.close());
