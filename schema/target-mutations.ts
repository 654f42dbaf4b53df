// Mutations of targets: create, change, retire. Keys go to the vault before the command that refers to them.
// The rules are the target stream's; here input becomes a command.
import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql';
import { targetStream } from '../events/target-events.js';
import type { TargetCommand, UpdateTarget } from '../services/ledger/target-commands.js';
import type { LocalTargetState, S3TargetState, TargetState } from '../services/ledger/target-state.js';
import { folderPrefix } from './bucket-place.js';
import { faultsOf } from './input-faults.js';
import type { MutationPlan, Outcome } from './mutation-answer.js';
import { answered, refuseFaults } from './mutation-answer.js';
import type { RequestContext } from './request-context.js';
import { withSecret } from './secret-keeping.js';
import { localCreationChecks, localUpdateChecks, s3CreationChecks, s3UpdateChecks } from './target-check.js';
import { encodingAfter } from './target-encoding.js';
import { CreateLocalTargetInput, CreateS3TargetInput, UpdateLocalTargetInput, UpdateS3TargetInput } from './target-input.js';
import { accessKeyHint, keysAfter } from './target-keys.js';
import { sharedBucketFault, sharedPathFault } from './target-places.js';
import { optionsAfter } from './target-settings.js';
import { targetOf } from './target-type.js';
import { clustersUsing } from './target-users.js';
import { TargetPayload } from './user-error-type.js';

@Resolver()
export class TargetMutations {
  @Mutation(() => TargetPayload, { description: 'Creates a target in a directory, which policies may name from then on.' })
  createLocalTarget(
    @Arg('input', () => CreateLocalTargetInput, { description: 'The target.' }) input: CreateLocalTargetInput,
    @Ctx() context: RequestContext,
  ): Promise<TargetPayload> {
    return targetAnswer(input.id, () => createLocal(input, context), context);
  }

  @Mutation(() => TargetPayload, { description: 'Creates a target in a bucket, which policies may name from then on. Try it with testTarget.' })
  createS3Target(
    @Arg('input', () => CreateS3TargetInput, { description: 'The target.' }) input: CreateS3TargetInput,
    @Ctx() context: RequestContext,
  ): Promise<TargetPayload> {
    return targetAnswer(input.id, () => createS3(input, context), context);
  }

  @Mutation(() => TargetPayload, { description: 'Changes the name of a local target, and how copies are encoded on it from now on.' })
  updateLocalTarget(
    @Arg('input', () => UpdateLocalTargetInput, { description: 'The changes.' }) input: UpdateLocalTargetInput,
    @Ctx() context: RequestContext,
  ): Promise<TargetPayload> {
    return targetAnswer(input.id, () => inTurn(input.id, context, () => updateLocal(input, context)), context);
  }

  @Mutation(() => TargetPayload, {
    description: 'Changes how an S3 target is named, reached and encoded. Its bucket and folder never change.',
  })
  updateS3Target(
    @Arg('input', () => UpdateS3TargetInput, { description: 'The changes.' }) input: UpdateS3TargetInput,
    @Ctx() context: RequestContext,
  ): Promise<TargetPayload> {
    return targetAnswer(input.id, () => inTurn(input.id, context, () => updateS3(input, context)), context);
  }

  @Mutation(() => TargetPayload, {
    description: 'Retires a target: no policy may name it again. Its copies stay listed, readable and deletable.',
  })
  deleteTarget(@Arg('id', () => ID, { description: 'Id of the target.' }) id: string, @Ctx() context: RequestContext): Promise<TargetPayload> {
    const retire = async () => execute({ type: 'RetireTarget', targetId: id, usedBy: await clustersUsing(id, context) }, context);
    return targetAnswer(id, () => inTurn(id, context, retire), context);
  }
}

async function targetAnswer(targetId: string, run: MutationPlan['run'], context: RequestContext): Promise<TargetPayload> {
  const { userErrors } = await answered({ subject: { targetId }, idPath: ['id'], run }, context);
  const row = userErrors.length > 0 ? null : await context.reader.targets.load(targetId);
  return { userErrors, target: row === null ? null : targetOf(row) };
}

const execute = (command: TargetCommand, { api, cause }: RequestContext): Promise<Outcome> =>
  api.commands.executeTarget(command.targetId, command, cause);

const inTurn = (targetId: string, { api }: RequestContext, change: () => Promise<Outcome>): Promise<Outcome> =>
  api.oneByOne(targetStream(targetId), change);

async function createLocal(input: CreateLocalTargetInput, context: RequestContext): Promise<Outcome> {
  const { id: targetId, path } = input;
  refuseFaults(faultsOf(localCreationChecks(input)));
  refuseFaults(faultsOf([[['path'], await sharedPathFault({ targetId, path }, context)]]));
  return execute({ type: 'CreateLocalTarget', targetId, name: input.name ?? targetId, path, encoding: encodingAfter(input) }, context);
}

async function createS3(input: CreateS3TargetInput, context: RequestContext): Promise<Outcome> {
  const { id: targetId, bucket } = input;
  refuseFaults(faultsOf(s3CreationChecks(input)));
  const [folder, options, keys] = [folderPrefix(input.folder), optionsAfter(input), keysAfter(input) ?? null];
  const shared = await sharedBucketFault({ targetId, bucket, folder, endpoint: options.endpoint }, context);
  refuseFaults(faultsOf([[[input.folder ? 'folder' : 'bucket'], shared]]));
  return withSecret({ values: keys ?? {}, replaces: null }, context.api, (secretRef) => execute({
    type: 'CreateS3Target', targetId, name: input.name ?? targetId, bucket, folder, encoding: encodingAfter(input),
    settings: { ...options, accessKeyHint: accessKeyHint(keys), secretRef },
  }, context));
}

async function updateLocal(input: UpdateLocalTargetInput, context: RequestContext): Promise<Outcome> {
  const state = await context.api.commands.targetState(input.id);
  if (!isChangeable(state)) return refusedByLedger(input.id, context);
  if (state.kind !== 'LOCAL') return ofOtherKind(`target ${input.id} is a bucket: change it with updateS3Target`);
  refuseFaults(faultsOf(localUpdateChecks(input, state.encoding)));
  return execute(commonChange(input, state), context);
}

async function updateS3(input: UpdateS3TargetInput, context: RequestContext): Promise<Outcome> {
  const { id: targetId } = input;
  const state = await context.api.commands.targetState(targetId);
  if (!isChangeable(state)) return refusedByLedger(targetId, context);
  if (state.kind !== 'S3') return ofOtherKind(`target ${targetId} is a directory: change it with updateLocalTarget`);
  const { settings: before, bucket, folder } = state;
  refuseFaults(faultsOf(s3UpdateChecks(input, state)));
  const options = optionsAfter(input, before);
  if (options.endpoint !== before.endpoint) {
    refuseFaults(faultsOf([[['endpoint'], await sharedBucketFault({ targetId, bucket, folder, endpoint: options.endpoint }, context)]]));
  }
  const send = (secretRef: string | null, hint: string | null): Promise<Outcome> =>
    execute({ ...commonChange(input, state), settings: { ...options, accessKeyHint: hint, secretRef } }, context);
  const keys = keysAfter(input);
  if (keys === undefined) return send(before.secretRef, before.accessKeyHint);
  return withSecret({ values: keys ?? {}, replaces: before.secretRef }, context.api, (secretRef) => send(secretRef, accessKeyHint(keys)));
}

type ChangeableState = LocalTargetState | S3TargetState;

const isChangeable = (state: TargetState): state is ChangeableState => state.kind !== null && !state.retired;

/** Nothing is changed: the ledger says why not. */
const refusedByLedger = (targetId: string, context: RequestContext): Promise<Outcome> => execute({ type: 'UpdateTarget', targetId }, context);

const ofOtherKind = (message: string): Outcome =>
  ({ outcome: 'rejected', rejection: { rejected: { code: 'INVALID_INPUT', message, path: ['id'] } } });

function commonChange(input: UpdateLocalTargetInput, state: ChangeableState): UpdateTarget {
  const { targetId } = state;
  const name = input.name === null ? targetId : input.name;
  return { type: 'UpdateTarget', targetId, name, encoding: encodingAfter(input, state.encoding), madeFrom: state };
}
