// How a worker reaches a cluster's etcd: by what the ledger says, with the secrets of the vault, at its own member's endpoint if it is an agent.
// Connects to nothing.
import type { EtcdConnection } from '../etcd/etcd.js';
import type { ClusterState } from '../ledger/cluster-state.js';
import type { Vault } from '../vault/vault.js';
import { StepFailure } from './step-failure.js';
import type { NodeAgent } from './work-reach.js';

/** Throws CLUSTER_REMOVED or SECRET_MISSING, of the step CREDENTIALS. */
export async function connectionOf(vault: Pick<Vault, 'get'>, state: ClusterState, agent: NodeAgent | null): Promise<EtcdConnection> {
  const { connection, removed } = state;
  if (removed) throw new StepFailure('CREDENTIALS', 'CLUSTER_REMOVED', 'the cluster has been removed; nothing is read from it');
  const secret = connection.secretRef === null ? {} : await vault.get(connection.secretRef);
  if (secret === null) {
    throw new StepFailure('CREDENTIALS', 'SECRET_MISSING',
      'the vault does not hold the secret of this cluster: save its password or client key again with updateCluster');
  }
  const { ca, clientCertificate, username } = connection;
  const endpoints = agent === null ? connection.endpoints : [agent.endpoint];
  return { endpoints, ca, clientCertificate, username, clientKey: secret['clientKey'] ?? null, password: secret['password'] ?? null };
}
