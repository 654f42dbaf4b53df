// The vault's documents in MongoDB: the fingerprint of its key, and one document for each secret, which says under which key it is sealed.
// Not what is done with them: see vault.mongo.ts and keyed-vault.mongo.ts.
import { MongoServerError } from 'mongodb';
import type { Binary, Collection, Db, ObjectId } from 'mongodb';
import { SnapkeepError } from '../../events/errors.js';

export const vaultName = 'Vault in MongoDB';

export interface KeyDocument {
  readonly _id: 'master-key';
  /** Of the key that secrets are written under. */
  readonly fingerprint: string;
  /** While the key is being changed: that of the new one, under which some secrets are sealed already. */
  readonly next?: string;
}

export interface SecretDocument {
  /** The reference. */
  readonly _id: string;
  /** Orders secrets by when they were written. */
  readonly written: ObjectId;
  /** Fingerprint of the key it is sealed under. */
  readonly key: string;
  readonly sealed: Binary;
}

export interface VaultDocuments {
  readonly keys: Collection<KeyDocument>;
  readonly secrets: Collection<SecretDocument>;
}

export function vaultDocuments(db: Db): VaultDocuments {
  return { keys: db.collection('vault-key'), secrets: db.collection('vault-secrets') };
}

export const readKey = ({ keys }: VaultDocuments): Promise<KeyDocument | null> => keys.findOne({ _id: 'master-key' });

/** False where a document with its id is there already. */
export async function inserted(insert: Promise<unknown>): Promise<boolean> {
  try {
    await insert;
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === 11000) return false;
    throw error;
  }
}

/** Throws VAULT_KEY_MISMATCH unless the whole vault is written under the key with this fingerprint. */
export function assertKey(key: KeyDocument | null, fingerprint: string): void {
  if (key?.next !== undefined) throw halfRotated(key.fingerprint, key.next);
  if (key?.fingerprint !== fingerprint) throw keyMismatch(key?.fingerprint ?? null, fingerprint);
}

export function keyMismatch(stored: string | null, given: string): SnapkeepError {
  return new SnapkeepError('VAULT_KEY_MISMATCH', `${vaultName}: it was written under the master key with fingerprint ${String(stored)}, this process `
    + `has ${given}; set SNAPKEEP_MASTER_KEY or SNAPKEEP_MASTER_KEY_FILE to the key it was written under`);
}

export function halfRotated(from: string, to: string): SnapkeepError {
  return new SnapkeepError('VAULT_KEY_MISMATCH', `${vaultName}: its master key is being changed, or a change was interrupted: some secrets are still `
    + `under the key with fingerprint ${from}, some already under ${to}; run rotate-master-key to its end with these two keys, and start with the `
    + 'new one');
}
