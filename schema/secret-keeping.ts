// Keeps secrets beside a command: in the vault before the event that refers to them, destroyed if it is refused or once it is replaced.
// While the append is in doubt, both the old and the new value stay.
import { isSnapkeepError } from '../events/errors.js';
import type { Secret, Vault } from '../services/vault/vault.js';
import { newSecretRef } from '../services/vault/vault.js';
import type { ApiDependencies } from './request-context.js';

/** What is kept of a cluster's connection: `clientKey` (PEM) and `password`. */
export interface ClusterSecret {
  readonly clientKey: string | null;
  readonly password: string | null;
}

export async function storedSecret(ref: string | null, vault: Vault): Promise<ClusterSecret> {
  const kept = ref === null ? null : await vault.get(ref);
  return { clientKey: kept?.['clientKey'] ?? null, password: kept?.['password'] ?? null };
}

/** Runs a command that refers to the secret under a fresh reference, null where there is none to keep. `isDurable` says whether it took effect. */
export async function withSecret<T>(
  secret: ClusterSecret, { vault, log }: Pick<ApiDependencies, 'vault' | 'log'>,
  command: (ref: string | null) => Promise<T>, isDurable: (answer: T) => boolean,
): Promise<T> {
  const kept = entriesOf(secret);
  if (Object.keys(kept).length === 0) return command(null);
  const ref = newSecretRef();
  await vault.put(ref, kept);
  try {
    const answer = await command(ref);
    if (!isDurable(answer)) await destroySecret(ref, { vault, log });
    return answer;
  } catch (error) {
    if (!isSnapkeepError(error, 'IN_DOUBT')) await destroySecret(ref, { vault, log });
    throw error;
  }
}

/** Destroys a value that nothing refers to any more. What fails is left to the vault's reconciliation at the next start, and logged. */
export async function destroySecret(ref: string, { vault, log }: Pick<ApiDependencies, 'vault' | 'log'>): Promise<void> {
  try {
    await vault.destroy(ref);
  } catch (error) {
    log.warn({ err: error, ref }, 'a secret that nothing refers to could not be destroyed yet; the next start tries again');
  }
}

function entriesOf({ clientKey, password }: ClusterSecret): Secret {
  return { ...(clientKey === null ? {} : { clientKey }), ...(password === null ? {} : { password }) };
}
