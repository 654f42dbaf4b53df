// The port of the vault's master key: which key the vault is written under, and writing it under another.
// Apart from the vault itself, whose users have no business with its key; for a vault that nobody uses meanwhile.

export interface KeyedVault {
  /** Of the key that the vault is written under; null where nothing was written yet. */
  fingerprint(): Promise<string | null>;
  /**
   * Encrypts every secret under `to`. May be interrupted at any instant, and repeated until the fingerprint is that of `to`. When it returns,
   * nothing encrypted under `from` is left on disk. Throws VAULT_KEY_MISMATCH where neither key is the vault's, VAULT_CORRUPT where an entry is
   * damaged, both without having changed anything, and VAULT_BUSY where all is done but traces are left: then it may be repeated.
   */
  rotate(from: Buffer, to: Buffer): Promise<void>;
}
