// The master key of a vault in MongoDB, and its change: announced, then secret by secret, then concluded. Interrupted anywhere, the vault
// says that it is half way, which processes refuse to open, and the same change goes on. Not where the keys come from.
import { Binary } from 'mongodb';
import type { Db } from 'mongodb';
import { namingFailures } from '../../events/store-failure.js';
import type { KeyedVault } from './keyed-vault.js';
import { keyFingerprint, seal, unseal } from './sealed-secret.js';
import { halfRotated, keyMismatch, readKey, vaultDocuments, vaultName } from './vault-documents.mongo.js';
import type { KeyDocument, SecretDocument, VaultDocuments } from './vault-documents.mongo.js';

/** A process that has the vault open under the old key is refused its secrets from the announcement on, by VAULT_KEY_MISMATCH. */
export function mongoKeyedVault(db: Db): KeyedVault {
  const documents = vaultDocuments(db);
  return namingFailures(vaultName, 'Mongo', {
    fingerprint: async () => (await readKey(documents))?.fingerprint ?? null,
    rotate: (from: Buffer, to: Buffer) => rotate(documents, keyOf(from), keyOf(to)),
  });
}

interface Key {
  readonly bytes: Buffer;
  readonly fingerprint: string;
}

const keyOf = (bytes: Buffer): Key => ({ bytes, fingerprint: keyFingerprint(bytes) });

async function rotate(documents: VaultDocuments, from: Key, to: Key): Promise<void> {
  const stored = await readKey(documents);
  if (stored?.fingerprint === to.fingerprint && stored.next === undefined) return;
  assertChangeOf(stored, from, to);
  await assertAllSound(documents, from, to);
  const unannounced = { _id: 'master-key', fingerprint: from.fingerprint, next: { $exists: stored?.next !== undefined } } as const;
  const { matchedCount } = await documents.keys.updateOne(unannounced, { $set: { next: to.fingerprint } });
  if (matchedCount === 0) return rotate(documents, from, to);
  await sealAllAnew(documents, from, to);
  await documents.keys.updateOne({ _id: 'master-key', next: to.fingerprint }, { $set: { fingerprint: to.fingerprint }, $unset: { next: '' } });
}

function assertChangeOf(stored: KeyDocument | null, from: Key, to: Key): void {
  if (stored?.next !== undefined && stored.next !== to.fingerprint) throw halfRotated(stored.fingerprint, stored.next);
  if (stored?.fingerprint !== from.fingerprint) throw keyMismatch(stored?.fingerprint ?? null, from.fingerprint);
}

async function assertAllSound({ secrets }: VaultDocuments, from: Key, to: Key): Promise<void> {
  for await (const secret of secrets.find()) open(secret, from, to);
}

/** Until none is left: a process that did not know of the change yet may have written one meanwhile. */
async function sealAllAnew({ secrets }: VaultDocuments, from: Key, to: Key): Promise<void> {
  const next = () => secrets.findOne({ key: from.fingerprint });
  for (let secret = await next(); secret !== null; secret = await next()) {
    const sealed = new Binary(seal(to.bytes, secret._id, open(secret, from, to)));
    await secrets.updateOne({ _id: secret._id, key: from.fingerprint }, { $set: { sealed, key: to.fingerprint } });
  }
}

function open({ _id, key, sealed }: SecretDocument, from: Key, to: Key) {
  return unseal(key === to.fingerprint ? to.bytes : from.bytes, _id, sealed.value());
}
