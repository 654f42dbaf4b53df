// Where the bytes of a repaired copy come from, as a source that proves them while it reads: their SHA-256 must be what etcd sent.
// Chooses nothing: see repair-run.ts.
import { createReadStream } from 'node:fs';
import type { ReadFacts, StoredCopyFact } from '../../events/cluster-events.js';
import { decode } from '../encoding/decode.js';
import { type SnapshotState, isSamePlace } from '../ledger/snapshot-state.js';
import type { CopySource, VerifiedFile } from '../targets/copy-source.js';
import type { TargetRegistry } from '../targets/target-registry.js';
import { TRAILER_SIZE, spoolHash } from './spool-hash.js';
import { StepFailure } from './step-failure.js';

export type RepairOrigin =
  | { readonly kind: 'spool'; readonly file: string }
  | { readonly kind: 'copy'; readonly stored: StoredCopyFact };

export interface OriginsSought {
  /** The part whose read the copy is to hold: those of other parts hold other bytes. */
  readonly part: string;
  /** The kept spool of that read. */
  readonly spool: string | null;
  readonly nodeId: string;
}

/** What can be read here: the spool first, then copies on this node's disks, then others. None that is encrypted. */
export function originsOf(snapshot: SnapshotState, { part, spool, nodeId }: OriginsSought): readonly RepairOrigin[] {
  const stored = copiesOfRead(snapshot, part)
    .filter(({ encoding, storedOn }) => !encoding.includes('age') && (storedOn === null || storedOn === nodeId))
    .sort((a, b) => Number(b.storedOn !== null) - Number(a.storedOn !== null));
  return [...(spool === null ? [] : [{ kind: 'spool' as const, file: spool }]), ...stored.map((copy) => ({ kind: 'copy' as const, stored: copy }))];
}

/** The stored copies, where their part told of them: all but those that were made up for from another part's read. */
export function copiesOfRead({ copies, parts }: SnapshotState, part: string): readonly StoredCopyFact[] {
  const told = parts.filter((one) => one.part === part).flatMap((one) => [...one.copies, ...one.failedCopies]);
  const held = copies.filter((copy) => copy.state === 'STORED' && told.some((place) => isSamePlace(place, copy)));
  return held.flatMap(({ stored }) => stored ?? []);
}

export interface RepairSubject {
  readonly facts: ReadFacts;
  readonly manifest: VerifiedFile['manifest'];
  readonly targets: Pick<TargetRegistry, 'openTarget'>;
}

/** `read` throws HASH_MISMATCH at its end where the bytes are not those that etcd sent. */
export function repairSource(origin: RepairOrigin, { facts, manifest, targets }: RepairSubject): CopySource {
  const proven = Promise.withResolvers<VerifiedFile>();
  async function* read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const hash = spoolHash();
    let size = 0;
    for await (const piece of await bytesOf(origin, targets)) {
      signal.throwIfAborted();
      hash.update(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
      size += piece.byteLength;
      yield piece;
    }
    const { databaseSha256, fileSha256 } = hash.digest();
    if (databaseSha256 !== facts.sha256) throw damaged(origin);
    proven.resolve({ size, sha256: fileSha256, manifest });
  }
  return { expectedSize: facts.dbSize + TRAILER_SIZE, encoding: [], file: null, read, verified: () => proven.promise };
}

async function bytesOf(origin: RepairOrigin, targets: RepairSubject['targets']): Promise<AsyncIterable<Uint8Array>> {
  if (origin.kind === 'spool') return createReadStream(origin.file, { highWaterMark: 1024 * 1024 });
  const { targetId, keys: [database], encoding } = origin.stored;
  if (database === undefined) throw new Error(`the copy on target ${targetId} names no key`);
  return decode(await (await targets.openTarget(targetId)).read(database), encoding);
}

function damaged(origin: RepairOrigin): StepFailure {
  const where = origin.kind === 'spool' ? origin.file : origin.stored.location;
  return new StepFailure('READ', 'HASH_MISMATCH', `${where} no longer holds what etcd sent: check its disk, and do not restore from it.`);
}
