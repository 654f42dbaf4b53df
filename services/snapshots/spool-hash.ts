// SHA-256 of a snapshot while it flows: of the database, which is all but the last 32 bytes, and of the whole file.
// Holds back 32 bytes, since only the end of the stream shows which bytes are etcd's trailer. Compares nothing.
import { createHash } from 'node:crypto';

export const TRAILER_SIZE = 32;

export interface SpoolDigest {
  /** Hex, of all before the trailer: what the trailer ought to be. */
  readonly databaseSha256: string;
  /** Hex, of the whole file, as `sha256sum` prints it. */
  readonly fileSha256: string;
  /** Hex, the last 32 bytes (all there is, of a shorter stream). */
  readonly trailer: string;
}

export interface SpoolHash {
  update(block: Buffer): void;
  /** Once, at the end. */
  digest(): SpoolDigest;
}

export function spoolHash(): SpoolHash {
  const hash = createHash('sha256');
  let held = Buffer.alloc(0);
  return {
    update: (block) => {
      const keep = block.length >= TRAILER_SIZE ? 0 : Math.min(held.length, TRAILER_SIZE - block.length);
      const own = Math.max(0, block.length - TRAILER_SIZE);
      hash.update(held.subarray(0, held.length - keep)).update(block.subarray(0, own));
      held = Buffer.concat([held.subarray(held.length - keep), block.subarray(own)]);
    },
    digest: () => {
      const whole = hash.copy().update(held);
      return { databaseSha256: hash.digest('hex'), fileSha256: whole.digest('hex'), trailer: held.toString('hex') };
    },
  };
}
