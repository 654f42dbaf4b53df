// Destroys secrets that no cluster uses: a crash came between the vault and the log, or the cluster is gone.
// To be called before anything writes to either; whoever replaces a secret destroys the old one itself.
import { clusterStream } from '../../events/cluster-events.js';
import type { EventStore, StoredEvent } from '../../events/event-store.js';
import type { Vault } from './vault.js';

/** Gives how many were destroyed. Reads the log only if the vault holds anything. */
export async function destroyOrphanedSecrets(store: EventStore, vault: Vault): Promise<number> {
  const refs = await vault.refs();
  if (refs.length === 0) return 0;
  const used = await usedRefs(store);
  const orphans = refs.filter((ref) => !used.has(ref));
  for (const ref of orphans) await vault.destroy(ref);
  return orphans.length;
}

async function usedRefs(store: EventStore): Promise<ReadonlySet<string | null>> {
  const byCluster = new Map<string, string | null>();
  for await (const stored of store.readAll()) {
    if (stored.stream.startsWith(clusterStream(''))) noteRef(byCluster, stored);
  }
  return new Set(byCluster.values());
}

function noteRef(byCluster: Map<string, string | null>, { stream, event }: StoredEvent): void {
  if (event.type === 'ClusterRegistered' || event.type === 'ClusterUpdated') byCluster.set(stream, event.data.connection.secretRef);
  if (event.type === 'ClusterRemoved') byCluster.delete(stream);
}
