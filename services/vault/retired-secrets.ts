// Destroys the secret of a retired target once the log says that nothing needs it: its last copy is gone.
// Reads from the log's start at each run and keeps nothing; an event that cannot be read ends it with that error.
import type { EventStore } from '../../events/event-store.js';
import type { TargetSecrets } from './target-secrets.js';
import { createTargetSecrets } from './target-secrets.js';
import type { Vault } from './vault.js';

export interface RetiredSecretsGround {
  readonly store: EventStore;
  readonly vault: Vault;
  readonly log: { error(details: object, message: string): void };
}

/** Ends without an error when `signal` aborts. What the vault refuses is logged, and tried again when a run or a prune ends, or at the next start. */
export async function destroyRetiredSecrets(ground: RetiredSecretsGround, signal: AbortSignal): Promise<void> {
  const secrets = createTargetSecrets();
  let caughtUp = false;
  for await (const followed of ground.store.follow({ signal })) {
    caughtUp ||= followed.kind === 'caught-up';
    const mayEndNeed = followed.kind === 'caught-up' || secrets.apply(followed.event);
    if (caughtUp && mayEndNeed) await destroyUnneeded(secrets, ground);
  }
}

async function destroyUnneeded(secrets: TargetSecrets, { vault, log }: RetiredSecretsGround): Promise<void> {
  for (const { targetId, secretRef } of secrets.unneeded()) {
    try {
      await vault.destroy(secretRef);
      secrets.forget(targetId);
    } catch (error) {
      log.error({ err: error, targetId }, 'the secret of a retired target could not be destroyed; it is tried again');
    }
  }
}
