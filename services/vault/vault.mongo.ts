// The vault in MongoDB: one encrypted document for each secret, worth nothing without the master key. Destroying deletes the document;
// what the server's files keep of it until they are written over is encrypted. Several processes use it at once, all with the same key.
import { Binary, ObjectId } from 'mongodb';
import type { Db } from 'mongodb';
import { isDeepStrictEqual } from 'node:util';
import { SnapkeepError } from '../../events/errors.js';
import { namingFailures } from '../../events/store-failure.js';
import { keyFingerprint, seal, unseal } from './sealed-secret.js';
import { assertKey, inserted, keyMismatch, readKey, vaultDocuments, vaultName } from './vault-documents.mongo.js';
import type { VaultDocuments } from './vault-documents.mongo.js';
import type { Secret, Vault } from './vault.js';

/**
 * `db` stays the caller's to close. Every method, and opening, throws STORE_UNAVAILABLE while MongoDB is away, and may be called again.
 * @throws SnapkeepError VAULT_KEY_MISMATCH when the vault was written under another master key, or a change of the key is not at its end.
 */
export async function openMongoVault(db: Db, masterKey: Buffer): Promise<Vault> {
  const documents = vaultDocuments(db);
  const { claim } = namingFailures(vaultName, 'Mongo', { claim: () => claimForKey(documents, keyFingerprint(masterKey)) });
  await claim();
  return namingFailures(vaultName, 'Mongo', vaultOn(documents, masterKey));
}

async function claimForKey(documents: VaultDocuments, fingerprint: string): Promise<void> {
  await inserted(documents.keys.insertOne({ _id: 'master-key', fingerprint }));
  assertKey(await readKey(documents), fingerprint);
}

function vaultOn(documents: VaultDocuments, key: Buffer): Vault {
  const { secrets } = documents;
  const fingerprint = keyFingerprint(key);
  const read = async (ref: string): Promise<Secret | null> => {
    const found = await secrets.findOne({ _id: ref });
    if (found !== null && found.key !== fingerprint) throw keyMismatch(found.key, fingerprint);
    return found && unseal(key, ref, found.sealed.value());
  };
  return {
    async put(ref, secret) {
      const document = { _id: ref, written: new ObjectId(), key: fingerprint, sealed: new Binary(seal(key, ref, secret)) };
      if (await inserted(secrets.insertOne(document))) return withdrawUnlessKeyHolds(documents, ref, fingerprint);
      if (isDeepStrictEqual(await read(ref), { ...secret })) return;
      throw new SnapkeepError('VAULT_REF_TAKEN', `Vault: ${ref} already keeps another value; write it under a fresh reference`);
    },
    get: read,
    destroy: async (ref) => void await secrets.deleteOne({ _id: ref }),
    refs: async () => (await secrets.find().project<{ _id: string }>({ _id: 1, written: 1 }).sort({ written: 1 }).toArray()).map(({ _id }) => _id),
    close: async () => undefined,
  };
}

/** A change of the key that began before the secret was written may not see it any more. */
async function withdrawUnlessKeyHolds(documents: VaultDocuments, ref: string, fingerprint: string): Promise<void> {
  try {
    assertKey(await readKey(documents), fingerprint);
  } catch (error) {
    await documents.secrets.deleteOne({ _id: ref, key: fingerprint });
    throw error;
  }
}
