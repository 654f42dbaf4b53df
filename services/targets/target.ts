// The target's port: a place that keeps copies of snapshots, each under keys of its own.
// Knows nothing of policies or retention; which keys may be swept or removed is decided from the ledger by the caller.
import type { Readable } from 'node:stream';
import type { StoredKey } from '../../events/cluster-events.js';
import type { TargetCheck } from './target-check.js';
import type { CopySource } from './copy-source.js';

/** Where one attempt's copy goes: `<clusterId>/<snapshot name>/[<node>/]<attempt>`. No two attempts share a place. */
export interface CopyPlace {
  readonly folder: string;
}

export interface StoredCopy {
  /**
   * Exactly what was stored: the database, the manifest, then earlier versions of either that repeated requests left beneath them.
   * Everything later names these keys, never computed ones.
   */
  readonly keys: readonly StoredKey[];
  /** For people: where to find the database. */
  readonly location: string;
  readonly storedSize: number;
  readonly storedSha256: string;
}

/**
 * Every method rejects with a StepFailure: TARGET_UNAVAILABLE where the target cannot be reached (then nothing was written,
 * and nothing is known of what it holds), TARGET_FOREIGN where it is someone else's, KEY_INVALID for a key that leads out of
 * it, and the codes of its own kind of store.
 */
export interface Target {
  readonly targetId: string;
  /** The id of the node whose disk it is, if only that node reaches it. */
  readonly storedOn: string | null;
  /** Fails if the target cannot take a copy of so many bytes. */
  preflight(bytes: number): Promise<void>;
  /** A folder from which a spooled file becomes a copy without being copied; null where there is none. */
  spoolFolder(): Promise<string | null>;
  /**
   * Stores what the source gives, reading behind it at the target's own pace. Visible only once the source is verified, the manifest
   * last, and durable when it returns. Takes away what it wrote, and nothing else, before it rejects. COPY_EXISTS if the place
   * holds anything of a copy already. `signal` ends it at the next opportunity.
   */
  store(place: CopyPlace, source: CopySource, signal: AbortSignal): Promise<StoredCopy>;
  /** COPY_MISSING if there is no such key. A failure after that is an error of the stream. */
  read(key: StoredKey): Promise<Readable>;
  /** The manifest first; what is gone already is gone. Folders left empty go too. */
  remove(keys: readonly StoredKey[]): Promise<void>;
  /** Whether all of them are there. */
  present(keys: readonly StoredKey[]): Promise<boolean>;
  /** Takes away what a crashed attempt left: the exact keys of its place, the unfinished ones, its spool. Gives their number. */
  sweep(place: CopyPlace): Promise<number>;
  /** Tries everything that a backup needs, each as a check with its remedy. Leaves nothing behind, and never rejects. */
  check(signal: AbortSignal): Promise<readonly TargetCheck[]>;
}
