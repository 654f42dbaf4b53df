// Copies one vault into another, of whatever kind and under whatever key: every secret under its own reference.
// Which vaults these are, and their keys, is the caller's matter.
import { isDeepStrictEqual } from 'node:util';
import { SnapkeepError } from '../../events/errors.js';
import type { Vault } from './vault.js';

/**
 * How many secrets there are, all of them read back and compared. May be interrupted at any instant and repeated. `from` is not used meanwhile.
 * @throws SnapkeepError CONFIG_INVALID, with nothing written, where `to` holds anything that `from` does not.
 */
export async function copyVault(from: Vault, to: Vault): Promise<number> {
  const refs = await from.refs();
  await assertOnly(refs, from, to);
  for (const ref of refs) await to.put(ref, await secretOf(from, ref));
  const copied = await to.refs();
  if (copied.length !== refs.length) throw occupied(copied.length - refs.length);
  for (const ref of refs) {
    if (isDeepStrictEqual(await to.get(ref), await from.get(ref))) continue;
    throw new SnapkeepError('VAULT_CORRUPT', `copying the vault: ${ref} does not read back as it was written; empty the target and copy again`);
  }
  return refs.length;
}

async function assertOnly(refs: readonly string[], from: Vault, to: Vault): Promise<void> {
  const known = new Set(refs);
  const there = await to.refs();
  const foreign = there.filter((ref) => !known.has(ref));
  if (foreign.length > 0) throw occupied(foreign.length);
  for (const ref of there) if (!isDeepStrictEqual(await to.get(ref), await from.get(ref))) throw occupied(1);
}

async function secretOf(vault: Vault, ref: string) {
  const secret = await vault.get(ref);
  if (secret !== null) return secret;
  throw new SnapkeepError('CONFIG_INVALID', `copying the vault: ${ref} was destroyed meanwhile; stop every Snapkeep that uses the source, and run `
    + 'the same command again');
}

function occupied(count: number): SnapkeepError {
  return new SnapkeepError('CONFIG_INVALID', `copying the vault: the target holds ${count} secret(s) that the source does not; stop every Snapkeep `
    + 'on the target, and name an empty one, or the one in which an earlier copy of this vault was interrupted');
}
