// Cluster events → the cluster's row with its policy, members and agents. A pure translation: no clock, no calls.
// Not the snapshots of the cluster: see projection-snapshot.ts.
import type { ClusterEvent, ClusterEventOf } from '../events/cluster-events.js';
import type { StoredEvent } from '../events/event-store.js';
import type { ClusterRow } from './read-model.js';

type Envelope = Pick<StoredEvent, 'time' | 'context' | 'position'>;
type Agents = ClusterRow['agents'];

/** A cluster's row as its first event leaves it. */
export function registeredCluster(data: ClusterEventOf<'ClusterRegistered'>['data'], { time, position }: Envelope): ClusterRow {
  return {
    clusterId: data.clusterId, name: data.name, endpoints: data.connection.endpoints, registeredAt: time, removedAt: null,
    members: [], agents: [], policy: null, position,
  };
}

/** The row after the event; the same object where the event does not concern it. */
export function clusterAfter(row: ClusterRow, event: ClusterEvent, envelope: Envelope): ClusterRow {
  switch (event.type) {
    case 'ClusterUpdated':
      return { ...row, name: event.data.name, endpoints: event.data.connection.endpoints };
    case 'ClusterRemoved':
      return { ...row, removedAt: envelope.time };
    case 'MembersObserved':
      return {
        ...row,
        members: event.data.members.map(({ memberId, name, clientUrls }) => ({ memberId, name, clientUrls, agent: serves(row.agents, name) })),
      };
    case 'AgentJoined':
      return withAgents(row, [...row.agents.filter(({ node }) => node !== event.data.node), { node: event.data.node, worker: event.data.worker }]);
    case 'AgentLeft':
      return withAgents(row, row.agents.filter(({ node, worker }) => node !== event.data.node || worker !== event.data.worker));
    case 'PolicyUpdated': {
      const { revision, targetIds, recurring, retentionCount } = event.data;
      const policy = { revision, updatedAt: envelope.time, updatedBy: envelope.context.actor, targetIds, recurring, retentionCount };
      return { ...row, policy };
    }
    default:
      return row;
  }
}

/** A node has one agent, the one that joined last. */
const serves = (agents: Agents, node: string): boolean => agents.some((agent) => agent.node === node);

function withAgents(row: ClusterRow, agents: Agents): ClusterRow {
  return { ...row, agents, members: row.members.map((member) => ({ ...member, agent: serves(agents, member.name) })) };
}
