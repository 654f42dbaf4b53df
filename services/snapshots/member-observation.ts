// What the cluster looks like when an attempt begins: its members, told to the ledger, and the one member to read.
// Not the choice itself: see services/etcd/member-choice.ts.
import type { EventContext } from '../../events/event-store.js';
import { EtcdError, type Etcd, type EtcdMember, type EtcdStatus } from '../etcd/etcd.js';
import { type EndpointAnswer, chooseMember } from '../etcd/member-choice.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import type { OpenPart } from './open-work.js';
import { StepFailure } from './step-failure.js';

export interface Observation {
  readonly commands: CommandHandler;
  readonly worker: string;
}

export interface Choice {
  /** Endpoints of the attempts before this one; the chosen one is added. */
  readonly tried: string[];
  readonly endpoints: readonly string[];
  /** The member that must answer; null: any. */
  readonly node: string | null;
  readonly signal: AbortSignal;
}

/** @throws StepFailure (CONNECT) when no endpoint leads to a healthy member, or to another than the node's. */
export async function observeCluster(observation: Observation, part: OpenPart, etcd: Etcd, choice: Choice): Promise<EtcdStatus> {
  const { node, signal } = choice;
  const context = { actor: `worker:${observation.worker}`, correlationId: part.snapshotId, causationId: `${part.snapshotId}/${part.part}` };
  const members = await observeMembers(observation, part.clusterId, { etcd, context, signal });
  const status = await chosenMember(etcd, choice);
  const name = members.find(({ memberId }) => memberId === status.memberId)?.name ?? status.memberId;
  if (node === null || name === node) return status;
  throw new StepFailure('CONNECT', 'MEMBER_FOREIGN', `the member ${name} answers at ${status.endpoint}, which the agent of node ${node} was given: `
    + 'set SNAPKEEP_NODE_NAME and SNAPKEEP_NODE_ENDPOINT of the agent to the same member');
}

/** Tells the ledger who is in the cluster, where that is news. */
export async function observeMembers(
  { commands }: Pick<Observation, 'commands'>, clusterId: string, how: { etcd: Etcd; context: EventContext; signal: AbortSignal },
): Promise<readonly EtcdMember[]> {
  const { etcd, context, signal } = how;
  const members = (await etcd.members(signal)).map(({ memberId, name, clientUrls, learner }) => ({ memberId, name, clientUrls, learner }));
  await commands.executeCluster(clusterId, { type: 'ObserveMembers', members }, context);
  return members;
}

async function chosenMember(etcd: Etcd, { tried, endpoints, signal }: Choice): Promise<EtcdStatus> {
  const answers = await Promise.all(endpoints.map((endpoint) => answerOf(etcd, endpoint, signal)));
  const choice = chooseMember(answers, tried);
  const chosen = answers.find((answer) => answer.endpoint === choice.endpoint);
  if (!chosen || !('status' in chosen)) {
    const code = codeOf(answers);
    throw new StepFailure('CONNECT', code, `no member can be read: ${choice.reason}`);
  }
  tried.push(chosen.endpoint);
  return chosen.status;
}

async function answerOf(etcd: Etcd, endpoint: string, signal: AbortSignal): Promise<EndpointAnswer> {
  try {
    return { endpoint, status: await etcd.status(endpoint, signal) };
  } catch (error) {
    if (error instanceof EtcdError) return { endpoint, error };
    throw error;
  }
}

/** What all endpoints have in common is the cause; else the cluster just has no healthy member. */
function codeOf(answers: readonly EndpointAnswer[]) {
  const codes = new Set(answers.map((answer) => ('error' in answer && answer.error instanceof EtcdError ? answer.error.code : null)));
  const [only] = codes;
  return codes.size === 1 && only ? only : 'NO_HEALTHY_MEMBER';
}
