// The mutation of policies. Which revision and schedule come of it is the ledger's matter.
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome } from './mutation-answer.js';
import { answered, refuseFaults } from './mutation-answer.js';
import { policyFaults } from './policy-check.js';
import { UpdatePolicyInput } from './policy-input.js';
import type { RequestContext } from './request-context.js';
import { PolicyPayload } from './user-error-type.js';

@Resolver()
export class PolicyMutations {
  @Mutation(() => PolicyPayload, { description: 'Changes what is kept of a cluster. Switching recurrence off never blocks snapshotNow.' })
  async updatePolicy(
    @Arg('input', () => UpdatePolicyInput, { description: 'The changes.' }) input: UpdatePolicyInput,
    @Ctx() context: RequestContext,
  ): Promise<PolicyPayload> {
    const { clusterId } = input;
    const answer = await answered({ subject: { clusterId }, idPath: ['clusterId'], run: () => update(input, context) }, context);
    const cluster = answer.userErrors.length > 0 ? null : await context.reader.clusters.load(clusterId);
    return { ...answer, policy: cluster?.policy ?? null };
  }
}

async function update({ clusterId, expectedRevision, ...change }: UpdatePolicyInput, { api, cause }: RequestContext): Promise<Outcome> {
  const { policy } = await api.commands.clusterState(clusterId);
  refuseFaults(await policyFaults(change, { cron: policy?.recurring.cron ?? null }, [], api));
  return api.commands.executeCluster(clusterId, {
    type: 'UpdatePolicy', change, expectedRevision: expectedRevision ?? null, now: api.now(),
  }, cause);
}
