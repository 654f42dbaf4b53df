// Puts the vault under a new master key: one that is given, or a new one of the data directory's own.
// May be interrupted at any instant and repeated; not for a vault that a running Snapkeep uses.
import { invalidKey } from './key-text.js';
import type { KeyedVault } from './keyed-vault.js';
import { loadMasterKey, readGivenKey } from './master-key.js';
import type { GivenKey, MasterKeySource } from './master-key.js';
import { adoptNextKey, findNextKey, makeNextKey, readOwnKey } from './own-master-key.js';
import { keyFingerprint } from './sealed-secret.js';

/** ROTATED now; or FINISHED: an earlier rotation had come as far as the vault, and is complete now. */
export type Rotation = 'ROTATED' | 'FINISHED';

const NEW_KEY = 'SNAPKEEP_NEW_MASTER_KEY';

/**
 * `current`: the key as configured. `next`: the new one as SNAPKEEP_NEW_MASTER_KEY and SNAPKEEP_NEW_MASTER_KEY_FILE give it; without either
 * a new `master.key` is made, unless the current key is configured.
 * @throws SnapkeepError MASTER_KEY_INVALID for either key, or what the vault's `rotate` throws.
 */
export async function rotateMasterKey(current: MasterKeySource, next: GivenKey, vault: KeyedVault): Promise<Rotation> {
  const before = await vault.fingerprint();
  if (before === null) throw invalidKey('no vault was written yet, so there is nothing to rotate; check SNAPKEEP_DATA_DIR and SNAPKEEP_VAULT');
  const given = readGivenKey(next, NEW_KEY);
  if (given) return rotateTo(given, { current: loadMasterKey(current, before), before, vault });
  if (!current.key && !current.keyFile) return rotateOwn(current.dataDir, { before, vault });
  throw invalidKey(`the current key is configured, so the new one must be given: set ${NEW_KEY} or ${NEW_KEY}_FILE`);
}

interface Before {
  /** The vault's fingerprint. */
  readonly before: string;
  readonly vault: KeyedVault;
}

async function rotateTo(given: Buffer, { current, before, vault }: Before & { readonly current: Buffer }): Promise<Rotation> {
  if (current.equals(given)) throw invalidKey(`${NEW_KEY} gives the key that is configured as the current one; give another as the new one`);
  await vault.rotate(current, given);
  return before === keyFingerprint(given) ? 'FINISHED' : 'ROTATED';
}

async function rotateOwn(dataDir: string, { before, vault }: Before): Promise<Rotation> {
  const interrupted = findNextKey(dataDir, before);
  await vault.rotate(readOwnKey(dataDir), interrupted ?? makeNextKey(dataDir));
  adoptNextKey(dataDir);
  return interrupted ? 'FINISHED' : 'ROTATED';
}
