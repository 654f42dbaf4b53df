// How a worker becomes and stays the agent of its etcd node: joins when it has caught up, again where it was dropped with its member while
// it lives on, and leaves at a clean stop. A process that dies stays joined: its silence is told of each snapshot.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ClusterEvent } from '../../events/cluster-events.js';
import type { ConnectEtcd } from '../etcd/etcd.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import type { Vault } from '../vault/vault.js';
import { connectionOf } from './cluster-connection.js';
import { observeMembers } from './member-observation.js';
import type { NodeAgent } from './work-reach.js';

export interface MembershipParts {
  readonly agent: NodeAgent;
  readonly worker: string;
  readonly commands: CommandHandler;
  readonly vault: Pick<Vault, 'get'>;
  readonly connectEtcd: ConnectEtcd;
  readonly log: Logger;
}

export interface AgentMembership {
  /** The log was read to its end: joins as soon as the cluster is registered. */
  begin(): void;
  /** An event of any cluster; without effect before `begin`. */
  see(clusterId: string, event: ClusterEvent): void;
  /** Leaves. What cannot be told to the log is logged, since the process ends all the same. */
  end(): Promise<void>;
}

const RETRY_PAUSES_MS = [1_000, 5_000, 15_000, 60_000];

export function agentMembership({ agent, worker, commands, vault, connectEtcd, log }: MembershipParts): AgentMembership {
  const { clusterId, node, endpoint } = agent;
  const context = { actor: `worker:${worker}`, correlationId: `agent/${node}`, causationId: `agent/${node}` };
  const ending = new AbortController();
  const { signal } = ending;
  let begun = false;
  let joining: Promise<void> | null = null;
  /** It is to begin anew. */
  let dropped = false;

  const join = async (): Promise<boolean> => {
    const joined = await commands.executeCluster(clusterId, { type: 'JoinAgent', node, worker, endpoint }, context);
    if (joined.outcome === 'accepted') return true;
    const { code, message } = joined.rejection.rejected;
    // Of a cluster that is not registered yet, the registration is awaited.
    log.warn({ clusterId, node, code }, `this agent cannot join: ${message}`);
    return false;
  };
  /** So that the next snapshot is asked of this node already; an attempt would tell it no earlier than the snapshot after that. */
  const observe = async (): Promise<void> => {
    const etcd = connectEtcd(await connectionOf(vault, await commands.clusterState(clusterId), agent));
    try {
      await observeMembers({ commands }, clusterId, { etcd, context, signal });
    } finally {
      etcd.close();
    }
  };
  /** Null where it was not done: at the end, when it is to begin anew, or after so many tries. */
  const tried = async <T>(work: () => Promise<T>, { failed, tries }: { failed: string; tries: number }): Promise<T | null> => {
    for (let failures = 0; failures < tries && !signal.aborted && !dropped; failures += 1) {
      try {
        return await work();
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, clusterId, node }, failed);
      }
      await delay(RETRY_PAUSES_MS[Math.min(failures, RETRY_PAUSES_MS.length - 1)], undefined, { signal, ref: false }).catch(() => undefined);
    }
    return null;
  };
  const settle = async (): Promise<void> => {
    dropped = false;
    const joined = await tried(join, { failed: 'this agent could not join; it tries again', tries: Infinity });
    if (joined) await tried(observe, { failed: 'this agent could not ask its member who is in the cluster', tries: RETRY_PAUSES_MS.length + 1 });
  };
  /** One at a time; what asks for it meanwhile is made up for at its end. */
  const settleSoon = (): void => {
    if (joining !== null) return;
    joining = settle().finally(() => {
      joining = null;
      if (dropped && !signal.aborted) settleSoon();
    });
  };

  return {
    begin() {
      if (begun) return;
      begun = true;
      settleSoon();
    },
    see(of, event) {
      if (!begun || of !== clusterId) return;
      const isDropped = event.type === 'AgentLeft' && event.data.node === node && event.data.worker === worker;
      if (!isDropped && event.type !== 'ClusterRegistered') return;
      dropped = true;
      settleSoon();
    },
    async end() {
      ending.abort();
      await joining;
      if (!begun) return;
      try {
        await commands.executeCluster(clusterId, { type: 'LeaveAgent', node, worker }, context);
      } catch (error) {
        log.warn({ err: error, clusterId, node }, 'this agent could not leave; it counts as joined until it comes back');
      }
    },
  };
}
