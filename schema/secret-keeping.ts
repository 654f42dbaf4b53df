// Keeps secrets beside a command: in the vault before the event that refers to them, destroyed if it is refused or once it is replaced.
// While the append is in doubt, both the old and the new value stay. What is secret, of a cluster or a target, is the caller's to say.
import { isSnapkeepError } from '../events/errors.js';
import type { Secret } from '../services/vault/vault.js';
import { newSecretRef } from '../services/vault/vault.js';
import type { Outcome } from './mutation-answer.js';
import type { ApiDependencies } from './request-context.js';

type Keeping = Pick<ApiDependencies, 'vault' | 'log'>;
type Command = (ref: string | null) => Promise<Outcome>;

export interface KeptSecret {
  /** Values by name, null where there is none. */
  readonly values: Readonly<Record<string, string | null>>;
  /** Reference of the value whose place this one takes. */
  readonly replaces: string | null;
}

/** Runs a command that refers to the secret under a fresh reference, null where there is none to keep. */
export async function withSecret({ values, replaces }: KeptSecret, api: Keeping, command: Command): Promise<Outcome> {
  const outcome = await withFresh(present(values), api, command);
  if (isDurable(outcome) && replaces !== null) await destroySecret(replaces, api);
  return outcome;
}

async function withFresh(secret: Secret | null, api: Keeping, command: Command): Promise<Outcome> {
  if (secret === null) return command(null);
  const ref = newSecretRef();
  await api.vault.put(ref, secret);
  try {
    const outcome = await command(ref);
    if (!isDurable(outcome)) await destroySecret(ref, api);
    return outcome;
  } catch (error) {
    if (!isSnapkeepError(error, 'IN_DOUBT')) await destroySecret(ref, api);
    throw error;
  }
}

/** Without a new event nothing refers to a new secret. */
export const isDurable = (outcome: Outcome): boolean => outcome.outcome === 'accepted' && outcome.position !== null;

/** Destroys a value that nothing refers to any more. What fails is left to the vault's reconciliation at the next start, and logged. */
export async function destroySecret(ref: string, { vault, log }: Keeping): Promise<void> {
  try {
    await vault.destroy(ref);
  } catch (error) {
    log.warn({ err: error, ref }, 'a secret that nothing refers to could not be destroyed yet; the next start tries again');
  }
}

function present(values: KeptSecret['values']): Secret | null {
  const entries = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
