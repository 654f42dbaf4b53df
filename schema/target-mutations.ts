// Mutations of local targets: create, rename, retire. Not those of other kinds, nor the rules, which are the target stream's.
import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql';
import type { TargetCommand } from '../services/ledger/target-commands.js';
import { directoryFault, faultsOf, nameFault, slugFault } from './input-faults.js';
import type { Outcome } from './mutation-answer.js';
import { answered, isShown, refuseFaults } from './mutation-answer.js';
import type { RequestContext } from './request-context.js';
import { CreateLocalTargetInput, UpdateLocalTargetInput } from './snapshot-input.js';
import { targetOf } from './target-type.js';
import { TargetPayload } from './user-error-type.js';

const SCAN_PAGE = 1000;

@Resolver()
export class TargetMutations {
  @Mutation(() => TargetPayload, { description: 'Creates a target in a directory, which policies may name from then on.' })
  createLocalTarget(
    @Arg('input', () => CreateLocalTargetInput, { description: 'The target.' }) input: CreateLocalTargetInput,
    @Ctx() context: RequestContext,
  ): Promise<TargetPayload> {
    const faults = faultsOf([[['id'], slugFault(input.id)], [['name'], nameFault(input.name)], [['path'], directoryFault(input.path)]]);
    return targetAnswer(input.id, context, async () => {
      refuseFaults(faults);
      refuseFaults(faultsOf([[['path'], await sharedPathFault(input, context)]]));
      return { type: 'CreateLocalTarget', targetId: input.id, name: input.name ?? input.id, path: input.path };
    });
  }

  @Mutation(() => TargetPayload, { description: 'Renames a local target.' })
  updateLocalTarget(
    @Arg('input', () => UpdateLocalTargetInput, { description: 'The changes.' }) input: UpdateLocalTargetInput,
    @Ctx() context: RequestContext,
  ): Promise<TargetPayload> {
    return targetAnswer(input.id, context, async () => {
      refuseFaults(faultsOf([[['name'], nameFault(input.name)]]));
      return { type: 'UpdateTarget', targetId: input.id, name: input.name === null ? input.id : input.name };
    });
  }

  @Mutation(() => TargetPayload, { description: 'Retires a target: no policy may name it again. Its copies stay listed and can be deleted.' })
  deleteTarget(@Arg('id', () => ID, { description: 'Id of the target.' }) id: string, @Ctx() context: RequestContext): Promise<TargetPayload> {
    return targetAnswer(id, context, async () => ({ type: 'RetireTarget', targetId: id, usedBy: await clustersUsing(id, context) }));
  }
}

async function targetAnswer(targetId: string, context: RequestContext, command: () => Promise<TargetCommand>): Promise<TargetPayload> {
  const run = async (): Promise<Outcome> => context.api.commands.executeTarget(targetId, await command(), context.cause);
  const { userErrors } = await answered({ subject: { targetId }, idPath: ['id'], run }, context);
  const row = userErrors.length > 0 ? null : await context.reader.targets.load(targetId);
  return { userErrors, target: row === null ? null : targetOf(row) };
}

/** Copies of two targets must not lie in one directory tree. Retired targets are not listed, and not weighed. */
async function sharedPathFault({ id, path }: CreateLocalTargetInput, { api }: RequestContext): Promise<string | null> {
  const head = await api.store.head();
  if (head !== null) await isShown(head, { api });
  const other = (await api.readStore.targets()).find((target) => target.targetId !== id && overlaps(target.path, path));
  return other === undefined ? null : `the path is that of target ${other.targetId}, lies inside it or around it: choose a directory apart from it`;
}

const overlaps = (one: string, other: string): boolean => `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);

/** Clusters whose policy names the target, by the ledger; the read store only tells which clusters there are. */
async function clustersUsing(targetId: string, { api }: RequestContext): Promise<string[]> {
  const head = await api.store.head();
  if (head !== null && !await isShown(head, { api })) {
    const message = `the read store is behind the log, so that a cluster which uses target ${targetId} may be missed: try again`;
    refuseFaults([{ code: 'UNREACHABLE', message, path: null }]);
  }
  const using: string[] = [];
  let after: string | null = null;
  for (let more = true; more;) {
    const page = await api.readStore.clusters({ first: SCAN_PAGE, after });
    for (const { clusterId } of page.rows) {
      const { policy } = await api.commands.clusterState(clusterId);
      if (policy?.targetIds.includes(targetId) === true) using.push(clusterId);
    }
    after = page.rows.at(-1)?.clusterId ?? null;
    more = page.hasNext;
  }
  return using;
}
