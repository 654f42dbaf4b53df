// Destroys secrets that no cluster and no target uses: a crash came between the vault and the log, or the cluster is gone.
// Whoever replaces a secret destroys the old one itself.
import type { EventStore, StoredEvent } from '../../events/event-store.js';
import type { Vault } from './vault.js';

/**
 * Gives how many were destroyed. Reads the log only if the vault holds anything. A secret is written before the event that names it: where
 * anybody else may be between the two, `until` settles once they have had the time for it, and only what was kept before counts.
 */
export async function destroyOrphanedSecrets(store: EventStore, vault: Vault, until?: () => Promise<unknown>): Promise<number> {
  const refs = await vault.refs();
  if (refs.length === 0) return 0;
  await until?.();
  const used = await usedRefs(store);
  const orphans = refs.filter((ref) => !used.has(ref));
  for (const ref of orphans) await vault.destroy(ref);
  return orphans.length;
}

async function usedRefs(store: EventStore): Promise<ReadonlySet<string | null>> {
  const byStream = new Map<string, string | null>();
  for await (const stored of store.readAll()) noteRef(byStream, stored);
  return new Set(byStream.values());
}

/** A target keeps its secret when it is retired, for the copies on it: see retired-secrets.ts. */
function noteRef(byStream: Map<string, string | null>, { stream, event: { type, data } }: StoredEvent): void {
  if (type === 'ClusterRegistered' || type === 'ClusterUpdated') byStream.set(stream, data.connection.secretRef);
  else if (type === 'ClusterRemoved') byStream.delete(stream);
  else if (type === 'TargetCreated') byStream.set(stream, data.kind === 'S3' ? data.settings.secretRef : null);
  else if (type === 'TargetUpdated') byStream.set(stream, data.settings?.secretRef ?? null);
}
