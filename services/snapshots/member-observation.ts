// What the cluster looks like when an attempt begins: its members, told to the ledger, and the one member to read.
// Not the choice itself: see services/etcd/member-choice.ts.
import { EtcdError, type Etcd, type EtcdStatus } from '../etcd/etcd.js';
import { type EndpointAnswer, chooseMember } from '../etcd/member-choice.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import type { OpenPart } from './open-work.js';
import { StepFailure } from './step-failure.js';

export interface Observation {
  readonly commands: CommandHandler;
  readonly worker: string;
}

/** @throws StepFailure (CONNECT) when no endpoint leads to a healthy member. */
export async function observeCluster(
  { commands, worker }: Observation, part: OpenPart, etcd: Etcd, options: { tried: string[]; endpoints: readonly string[]; signal: AbortSignal },
): Promise<EtcdStatus> {
  const { tried, endpoints, signal } = options;
  const members = (await etcd.members(signal)).map(({ memberId, name, clientUrls, learner }) => ({ memberId, name, clientUrls, learner }));
  const context = { actor: `worker:${worker}`, correlationId: part.snapshotId, causationId: `${part.snapshotId}/${part.part}` };
  await commands.executeCluster(part.clusterId, { type: 'ObserveMembers', members }, context);
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
