// The vault's port: where passwords and private keys are kept, each under a reference that events may carry.
// Says nothing of how they are kept; an adapter encrypts them and never lets a value into an error or a log line.
import { randomBytes } from 'node:crypto';

export type Secret = Readonly<Record<string, string>>;

export interface Vault {
  /** Durable when it returns. A reference is written once: the same value is accepted again, another one is VAULT_REF_TAKEN. */
  put(ref: string, secret: Secret): Promise<void>;
  /** `null` when nothing is kept under the reference. A damaged entry throws VAULT_CORRUPT, naming the reference. */
  get(ref: string): Promise<Secret | null>;
  /**
   * Leaves no trace of the value on disk, or throws VAULT_BUSY and may be repeated; a database server may keep what was encrypted until it
   * writes over it. Destroying what is not there does nothing.
   */
  destroy(ref: string): Promise<void>;
  /** Every reference kept, in the order of writing: whoever reconciles destroys those that no event names. */
  refs(): Promise<string[]>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** A reference nobody has used or can guess, made afresh for every value, also when a value is replaced. */
export function newSecretRef(): string {
  return `secret-${randomBytes(16).toString('hex')}`;
}
