// What a copy is made of: bytes that may still be coming, and what is known of them once they are verified.
// Not where they come from: a spool that grows (services/snapshots) or a copy that is stored already.
import type { EncodingStep } from '../../events/target-events.js';
import type { Manifest } from './manifest.js';

/** Of the whole file as it came, before any encoding. */
export interface VerifiedFile {
  /** Bytes, etcd's trailer included. */
  readonly size: number;
  /** Hex, as `sha256sum` prints it. */
  readonly sha256: string;
  /** What the manifest says of the snapshot; the target adds what it stored. */
  readonly manifest: Omit<Manifest, 'stored'>;
}

export interface CopySource {
  /** Bytes that `read` will give at most, as far as that is known before; for sizing parts, not for checking. */
  readonly expectedSize: number;
  /** What was done to the bytes that `read` gives, in this order; names the stored file and goes into the manifest. */
  readonly encoding: readonly EncodingStep[];
  /** A file that holds, or will hold, exactly what `read` gives, and may be hard-linked at any time; null where there is none. */
  readonly file: string | null;
  /**
   * From the first byte, as they come; each piece is its reader's only until it asks for the next. Ends only once they are verified,
   * and throws a StepFailure if they never will be, so that whoever commits at the end commits nothing invalid. May be read again
   * after it failed. `signal` ends it with an error.
   */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Settles when `read` may end. */
  verified(): Promise<VerifiedFile>;
}
