// Mutations of clusters: register, update, remove. Secrets go to the vault before the command that refers to them.
// The rules are the ledger's; here input becomes a command.
import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql';
import type { Connection } from '../events/cluster-events.js';
import type { ClusterCommand } from '../services/ledger/cluster-commands.js';
import { registerChecks, updateChecks } from './cluster-check.js';
import { RegisterClusterInput, UpdateClusterInput } from './cluster-input.js';
import { faultsOf } from './input-faults.js';
import type { MutationPlan, Outcome } from './mutation-answer.js';
import { answered, refuseFaults } from './mutation-answer.js';
import { policyFaults } from './policy-check.js';
import type { RequestContext } from './request-context.js';
import { destroySecret, isDurable, withSecret } from './secret-keeping.js';
import { ClusterPayload } from './user-error-type.js';

@Resolver()
export class ClusterMutations {
  @Mutation(() => ClusterPayload, { description: 'Registers a cluster, with the default policy unless it brings its own or is legacy.' })
  registerCluster(
    @Arg('input', () => RegisterClusterInput, { description: 'The cluster.' }) input: RegisterClusterInput,
    @Ctx() context: RequestContext,
  ): Promise<ClusterPayload> {
    return clusterAnswer(input.id, () => register(input, context), context);
  }

  @Mutation(() => ClusterPayload, { description: 'Changes how a cluster is named and reached.' })
  updateCluster(
    @Arg('input', () => UpdateClusterInput, { description: 'The changes.' }) input: UpdateClusterInput,
    @Ctx() context: RequestContext,
  ): Promise<ClusterPayload> {
    return clusterAnswer(input.id, () => context.api.oneByOne(input.id, () => update(input, context)), context);
  }

  @Mutation(() => ClusterPayload, {
    description: 'Takes a cluster out of the list and fails its open requests. Its snapshots stay on their targets and in the list.',
  })
  removeCluster(
    @Arg('id', () => ID, { description: 'Id of the cluster.' }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<ClusterPayload> {
    return clusterAnswer(id, () => context.api.oneByOne(id, () => remove(id, context)), context);
  }
}

async function clusterAnswer(clusterId: string, run: MutationPlan['run'], context: RequestContext): Promise<ClusterPayload> {
  const answer = await answered({ subject: { clusterId }, idPath: ['id'], run }, context);
  const done = answer.userErrors.length === 0;
  return { ...answer, cluster: done ? await context.reader.clusters.load(clusterId) : null };
}

async function register(input: RegisterClusterInput, context: RequestContext): Promise<Outcome> {
  const { api, cause } = context;
  const policy = await policyFaults(input.policy ?? {}, { cron: null }, ['policy'], api);
  refuseFaults([...faultsOf(registerChecks(input)), ...policy]);
  const values: ClusterSecret = { clientKey: input.clientKey ?? null, password: input.password ?? null };
  return withSecret({ values, replaces: null }, api, (secretRef) => {
    const connection = {
      endpoints: input.endpoints.map(withoutSlash), ca: input.ca ?? null,
      clientCertificate: input.clientCertificate ?? null, username: input.username ?? null, secretRef,
    };
    const { id: clusterId, legacy } = input;
    return api.commands.executeCluster(clusterId, {
      type: 'RegisterCluster', clusterId, name: input.name ?? clusterId, connection,
      legacy: legacy === true, policy: input.policy ?? null, now: api.now(),
    }, cause);
  });
}

async function update(input: UpdateClusterInput, context: RequestContext): Promise<Outcome> {
  const { api } = context;
  const state = await api.commands.clusterState(input.id);
  if (state.clusterId === null || state.removed) return execute(input.id, { type: 'UpdateCluster' }, context);
  const old = state.connection;
  const secret = await secretAfter(input, old, context);
  const connection = connectionAfter(input, old);
  refuseFaults(faultsOf(updateChecks(input, {
    clientCertificate: connection.clientCertificate !== null, clientKey: secret.clientKey !== null,
    username: connection.username !== null, password: secret.password !== null,
  })));
  const name = input.name === null ? input.id : input.name;
  const send = (secretRef: string | null): Promise<Outcome> =>
    execute(input.id, { type: 'UpdateCluster', name, connection: { ...connection, secretRef }, madeFrom: old }, context);
  return changesSecret(input) ? withSecret({ values: secret, replaces: old.secretRef }, api, send) : send(old.secretRef);
}

async function remove(id: string, context: RequestContext): Promise<Outcome> {
  const { connection: { secretRef } } = await context.api.commands.clusterState(id);
  const outcome = await execute(id, { type: 'RemoveCluster' }, context);
  if (isDurable(outcome) && secretRef !== null) await destroySecret(secretRef, context.api);
  return outcome;
}

const execute = (id: string, command: ClusterCommand, { api, cause }: RequestContext) => api.commands.executeCluster(id, command, cause);

const changesSecret = ({ clientKey, password, clientCertificate, username }: UpdateClusterInput): boolean =>
  clientKey !== undefined || password !== undefined || clientCertificate === null || username === null;

/** What the vault keeps of a cluster's connection: `clientKey` (PEM) and `password`. */
type ClusterSecret = { readonly clientKey: string | null; readonly password: string | null };

// Clearing a certificate clears its key with it, clearing a user its password.
async function secretAfter(input: UpdateClusterInput, old: Connection, { api }: RequestContext): Promise<ClusterSecret> {
  const kept = old.secretRef === null ? null : await api.vault.get(old.secretRef);
  return {
    clientKey: input.clientCertificate === null ? input.clientKey ?? null : after(input.clientKey, kept?.['clientKey'] ?? null),
    password: input.username === null ? input.password ?? null : after(input.password, kept?.['password'] ?? null),
  };
}

function connectionAfter(input: UpdateClusterInput, old: Connection): Omit<Connection, 'secretRef'> {
  return {
    endpoints: (input.endpoints ?? old.endpoints).map(withoutSlash),
    ca: after(input.ca, old.ca),
    clientCertificate: after(input.clientCertificate, old.clientCertificate),
    username: after(input.username, old.username),
  };
}

const after = (change: string | null | undefined, kept: string | null): string | null => (change === undefined ? kept : change);
const withoutSlash = (endpoint: string): string => endpoint.replace(/\/$/, '');
