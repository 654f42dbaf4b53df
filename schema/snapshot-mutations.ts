// Mutations of snapshots: request one now, pin, unpin, delete. The rules are the ledger's.
import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql';
import { monotonicFactory } from 'ulid';
import type { ClusterCommand } from '../services/ledger/cluster-commands.js';
import { reject } from '../services/ledger/rejection.js';
import { clusterIdOf, snapshotIdOf, snapshotName } from '../services/snapshots/snapshot-name.js';
import { faultsOf, givenNameFault, idempotencyKeyFault } from './input-faults.js';
import type { Outcome } from './mutation-answer.js';
import { answered, refuseFaults } from './mutation-answer.js';
import type { RequestContext } from './request-context.js';
import { SnapshotNowInput } from './snapshot-input.js';
import { SnapshotPayload } from './user-error-type.js';

const ulid = monotonicFactory();
const ID_OF = { description: 'Id of the snapshot.' } as const;

@Resolver()
export class SnapshotMutations {
  @Mutation(() => SnapshotPayload, {
    description: 'Requests a snapshot; answers at once with state REQUESTED. Works whether recurrence is on or off.',
  })
  async snapshotNow(
    @Arg('input', () => SnapshotNowInput, { description: 'What to take.' }) input: SnapshotNowInput,
    @Ctx() context: RequestContext,
  ): Promise<SnapshotPayload> {
    let snapshotId = '';
    const run = async (): Promise<Outcome> => {
      const { outcome, id } = await requestSnapshot(input, context);
      snapshotId = id;
      return outcome;
    };
    const answer = await answered({ subject: { clusterId: input.clusterId }, idPath: ['clusterId'], run }, context);
    return { ...answer, snapshot: answer.userErrors.length > 0 ? null : await context.reader.snapshots.load(snapshotId) };
  }

  @Mutation(() => SnapshotPayload, { description: 'Decides the deletion of all its copies; they are gone once their state is PRUNED.' })
  deleteSnapshot(@Arg('id', () => ID, ID_OF) id: string, @Ctx() context: RequestContext): Promise<SnapshotPayload> {
    return onSnapshot(id, { type: 'DeleteSnapshot', snapshotId: id }, context);
  }

  @Mutation(() => SnapshotPayload, { description: 'Keeps a snapshot out of retention and deletion.' })
  pinSnapshot(@Arg('id', () => ID, ID_OF) id: string, @Ctx() context: RequestContext): Promise<SnapshotPayload> {
    return onSnapshot(id, { type: 'PinSnapshot', snapshotId: id }, context);
  }

  @Mutation(() => SnapshotPayload, { description: 'Gives a snapshot back to retention and deletion.' })
  unpinSnapshot(@Arg('id', () => ID, ID_OF) id: string, @Ctx() context: RequestContext): Promise<SnapshotPayload> {
    return onSnapshot(id, { type: 'UnpinSnapshot', snapshotId: id }, context);
  }
}

async function requestSnapshot(input: SnapshotNowInput, { api, cause }: RequestContext): Promise<{ outcome: Outcome; id: string }> {
  refuseFaults(faultsOf([[['name'], givenNameFault(input.name)], [['idempotencyKey'], idempotencyKeyFault(input.idempotencyKey)]]));
  const { clusterId } = input;
  const now = api.now();
  const unique = ulid(Date.parse(now));
  const [givenName, idempotencyKey] = [input.name ?? null, input.idempotencyKey ?? null];
  const snapshotId = snapshotIdOf(clusterId, unique);
  const executed = await api.commands.executeCluster(clusterId, {
    type: 'RequestSnapshot', snapshotId, name: snapshotName(now, unique, givenName),
    kind: 'MANUAL', slot: null, givenName, idempotencyKey, now,
  }, cause);
  if (executed.outcome === 'rejected' || idempotencyKey === null) return { outcome: executed, id: snapshotId };
  return { outcome: executed, id: executed.state.requestsByKey.get(idempotencyKey) ?? snapshotId };
}

async function onSnapshot(id: string, command: ClusterCommand, context: RequestContext): Promise<SnapshotPayload> {
  const clusterId = clusterIdOf(id) ?? '';
  const run = async (): Promise<Outcome> => {
    const known = /^[a-z0-9-]+$/.test(clusterId);
    return known ? context.api.commands.executeCluster(clusterId, command, context.cause) : unknownSnapshot(id);
  };
  const answer = await answered({ subject: { clusterId }, idPath: ['id'], run }, context);
  return { ...answer, snapshot: answer.userErrors.length > 0 ? null : await context.reader.snapshots.load(id) };
}

const unknownSnapshot = (id: string): Outcome => ({
  outcome: 'rejected',
  rejection: reject('NOT_FOUND', `there is no snapshot "${id}": its id is <clusterId>.<ulid>, as the list shows it`, ['id']),
});
