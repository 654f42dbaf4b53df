// The target's port: a place that keeps copies of snapshots, each under keys of its own.
// Knows nothing of policies or retention; which keys may be swept or removed is decided from the ledger by the caller.
import type { Readable } from 'node:stream';
import type { Manifest } from './manifest.js';

/** Where one attempt's copy goes: `<clusterId>/<snapshot name>/[<node>/]<attempt>`. No two attempts share a place. */
export interface CopyPlace {
  readonly folder: string;
}

/** A verified snapshot file that stays as it is until the copies are committed or withdrawn. */
export interface SpooledSnapshot {
  readonly path: string;
  /** Bytes and SHA-256 (hex) of the whole file, etcd's trailer included. */
  readonly size: number;
  readonly sha256: string;
}

export interface StoredCopy {
  /** Exactly what was stored, the manifest last. Everything later names these keys, never computed ones. */
  readonly keys: readonly string[];
  /** For people: where to find the database. */
  readonly location: string;
  readonly storedSize: number;
  readonly storedSha256: string;
}

export interface PreparedCopy {
  /** Makes the copy visible and durable, the manifest last. Once; after a failure only `withdraw` may follow. */
  commit(manifest: Manifest): Promise<StoredCopy>;
  /** Takes away what this prepared copy made, committed or not, and nothing else. May be called twice. */
  withdraw(): Promise<void>;
}

/**
 * Every method rejects with a StepFailure: TARGET_UNAVAILABLE where the target cannot be reached (then nothing was written,
 * and nothing is known of what it holds), TARGET_FOREIGN where it is someone else's, KEY_INVALID for a key that leads out of
 * it, DISK_FULL, TARGET_NOT_WRITABLE, DISK_FAILED.
 */
export interface Target {
  readonly targetId: string;
  /** The id of the node whose disk it is, if only that node reaches it. */
  readonly storedOn: string | null;
  /** Fails if the target cannot take a copy of so many bytes. */
  preflight(bytes: number): Promise<void>;
  /** A folder from which a spooled file becomes a copy without being copied; null where there is none. */
  spoolFolder(): Promise<string | null>;
  /** Nothing of it is visible before `commit`. COPY_EXISTS if the place holds anything of a copy already. */
  prepare(place: CopyPlace, spool: SpooledSnapshot): Promise<PreparedCopy>;
  /** COPY_MISSING if there is no such key. A failure after that is an error of the stream. */
  read(key: string): Promise<Readable>;
  /** The manifest first; what is gone already is gone. Folders left empty go too. */
  remove(keys: readonly string[]): Promise<void>;
  /** Whether all of them are there. */
  present(keys: readonly string[]): Promise<boolean>;
  /** Takes away what a crashed attempt left: the exact keys of its place, the unfinished ones, its spool. Gives their number. */
  sweep(place: CopyPlace): Promise<number>;
}
