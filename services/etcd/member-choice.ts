// Which member the next attempt reads: a pure choice from what each endpoint answered and what was tried before.
// Asks nothing itself, and never chooses a learner or a member that is not well.
import type { EtcdStatus } from './etcd.js';

export type EndpointAnswer =
  | { readonly endpoint: string; readonly status: EtcdStatus }
  | { readonly endpoint: string; readonly error: { readonly code: string; readonly message: string } };

export type MemberChoice =
  | { readonly endpoint: string; readonly reason: null }
  /** No endpoint will do; the reason says of each why. */
  | { readonly endpoint: null; readonly reason: string };

/**
 * Least often tried first, then followers before the leader, then the order the endpoints came in.
 * @param tried the endpoints of the attempts before this one, with repetitions.
 */
export function chooseMember(answers: readonly EndpointAnswer[], tried: readonly string[]): MemberChoice {
  const refusals: string[] = [];
  const fit: EtcdStatus[] = [];
  for (const answer of answers) {
    const refusal = refusalOf(answer);
    if (refusal !== null) refusals.push(refusal);
    else if ('status' in answer) fit.push(answer.status);
  }
  const triedTimes = (endpoint: string): number => tried.filter((before) => before === endpoint).length;
  const [best] = fit.sort((a, b) => triedTimes(a.endpoint) - triedTimes(b.endpoint) || Number(a.leader) - Number(b.leader));
  if (best) return { endpoint: best.endpoint, reason: null };
  return { endpoint: null, reason: refusals.join(' | ') || 'the cluster has no endpoints' };
}

function refusalOf(answer: EndpointAnswer): string | null {
  if ('error' in answer) return answer.error.message;
  const { endpoint, learner, complaints } = answer.status;
  if (learner) return `etcd at ${endpoint}: it is a learner, which serves no snapshots; wait for its promotion or use another member`;
  const ill = complaints.filter((complaint) => !complaint.includes('NOSPACE'));
  // A full member is well enough to be read, and its operator needs the snapshot most.
  return ill.length > 0 ? `etcd at ${endpoint}: it reports ${ill.join(', ')}; repair the member or use another one` : null;
}
