// Subscriptions: completions and changes of snapshots, resumable by cursor without gap or repeat.
// How messages come from the log is in log-messages.ts.
import { Args, Ctx, Field, ObjectType, Resolver, Root, Subscription } from 'type-graphql';
import { clusterStream } from '../events/cluster-events.js';
import type { Position, StoredEvent } from '../events/event-store.js';
import type { SnapshotRow } from '../projections/read-model.js';
import { logCursor, positionOf } from './cursor.js';
import { SnapshotState } from './enum-types.js';
import { ChangeArguments, CompletionArguments } from './list-arguments.js';
import { logMessages, shown } from './log-messages.js';
import { badArgument } from './query-fault.js';
import type { RequestContext } from './request-context.js';
import { found } from './request-context.js';
import { Snapshot } from './snapshot-type.js';

interface Message {
  readonly cursor: string;
  readonly snapshotId: string;
}
interface Completion extends Message {
  readonly outcome: 'TAKEN' | 'PARTIAL' | 'FAILED';
}

@ObjectType({ description: 'The end of a snapshot, announced once.' })
export class SnapshotCompletion {
  @Field(() => String, { description: 'Pass it as after to resume behind this message.' })
  readonly cursor!: string;

  @Field(() => SnapshotState, { description: 'TAKEN, PARTIAL or FAILED, as it ended.' })
  readonly outcome!: Completion['outcome'];

  @Field(() => Snapshot, { description: 'The snapshot as it is now.' })
  readonly snapshot!: SnapshotRow;
}

@ObjectType({ description: 'A change of a snapshot.' })
export class SnapshotChange {
  @Field(() => String, { description: 'Pass it as after to resume behind this message.' })
  readonly cursor!: string;

  @Field(() => Snapshot, { description: 'The snapshot as it is now.' })
  readonly snapshot!: SnapshotRow;
}

interface Subscribing {
  readonly args: CompletionArguments;
  readonly context: RequestContext;
}

@Resolver()
export class SnapshotSubscriptions {
  @Subscription(() => SnapshotCompletion, {
    description: 'One message for each snapshot when it ends. A message comes only when queries show it already.',
    subscribe: (data) => completions(data as Subscribing),
  })
  async snapshotCompleted(
    @Root() { cursor, outcome, snapshotId }: Completion,
    @Args(() => CompletionArguments) _wanted: CompletionArguments,
    @Ctx() context: RequestContext,
  ): Promise<SnapshotCompletion> {
    return { cursor, outcome, snapshot: await snapshotNow(snapshotId, context) };
  }

  @Subscription(() => SnapshotChange, {
    description: 'Every change of a snapshot that a list or a progress bar shows. A message comes only when queries show it already.',
    subscribe: (data) => changes(data as Subscribing),
  })
  async snapshotChanged(
    @Root() { cursor, snapshotId }: Message,
    @Args(() => ChangeArguments) _wanted: ChangeArguments,
    @Ctx() context: RequestContext,
  ): Promise<SnapshotChange> {
    return { cursor, snapshot: await snapshotNow(snapshotId, context) };
  }
}

async function snapshotNow(snapshotId: string, { reader }: RequestContext): Promise<SnapshotRow> {
  return found(await reader.snapshots.load(snapshotId), `snapshot ${snapshotId}`);
}

async function completions({ args, context }: Subscribing): Promise<AsyncIterable<Completion>> {
  const { after, head } = await begin(args, context);
  const { snapshotId } = args;
  const message = (event: StoredEvent): Completion | null => completionOf(event, args, context);
  if (typeof snapshotId !== 'string') return logMessages({ context, after, message });
  const resumed = typeof args.after === 'string';
  if (!resumed) await knownSnapshot(snapshotId, context);
  const first = (signal: AbortSignal) => (resumed ? Promise.resolve(null) : pastCompletion(snapshotId, head, { args, context }, signal));
  return logMessages({ context, after, message, first, isLast: () => true });
}

async function changes({ args, context }: Subscribing): Promise<AsyncIterable<Message>> {
  const { after } = await begin(args, context);
  return logMessages({ context, after, message: (event) => changeOf(event, args, context) });
}

/** Where to begin; a cursor beyond the log's end would wait for ever and is refused. */
async function begin({ after }: CompletionArguments, { api: { store } }: RequestContext): Promise<{ after: Position | null; head: Position | null }> {
  const position = typeof after === 'string' ? positionOf(after, store.id) : undefined;
  const head = await store.head();
  if (typeof position === 'string' && (head === null || position > head)) {
    throw badArgument('after', 'after: the cursor lies beyond the end of the log, which was put back to an earlier state; begin without it');
  }
  return { after: position === undefined ? head : position, head };
}

function changeOf({ event, stream, position }: StoredEvent, { clusterId }: CompletionArguments, { api }: RequestContext): Message | null {
  if (!('snapshotId' in event.data) || (typeof clusterId === 'string' && stream !== clusterStream(clusterId))) return null;
  return { cursor: logCursor(api.store.id, position), snapshotId: event.data.snapshotId };
}

function completionOf(stored: StoredEvent, wanted: CompletionArguments, context: RequestContext): Completion | null {
  const { event } = stored;
  const change = changeOf(stored, wanted, context);
  if (change === null || (typeof wanted.snapshotId === 'string' && change.snapshotId !== wanted.snapshotId)) return null;
  if (event.type === 'SnapshotTaken') return { ...change, outcome: event.data.outcome };
  return event.type === 'SnapshotFailed' ? { ...change, outcome: 'FAILED' } : null;
}

async function knownSnapshot(snapshotId: string, { api: { commands } }: RequestContext): Promise<void> {
  const clusterId = snapshotId.slice(0, Math.max(0, snapshotId.lastIndexOf('.')));
  const known = /^[a-z0-9-]+$/.test(clusterId) && (await commands.clusterState(clusterId)).snapshots.has(snapshotId);
  if (!known) throw badArgument('snapshotId', `snapshotId: there is no snapshot "${snapshotId}"; its id is <clusterId>.<ulid>, as the list shows it`);
}

// The log from the request on: a completion lies soon behind it.
async function pastCompletion(
  snapshotId: string, head: Position | null, { args, context }: Subscribing, signal: AbortSignal,
): Promise<Completion | null> {
  if (head === null || !await shown(head, context, signal)) return null;
  const row = await context.api.readStore.snapshot(snapshotId);
  if (row === null || row.completedAt === null) return null;
  for await (const stored of context.api.store.readAll(row.order)) {
    if (signal.aborted || stored.position > head) return null;
    const completion = completionOf(stored, args, context);
    if (completion !== null) return completion;
  }
  return null;
}
