// Messages for one subscriber: the log's events from a place on, each held until the read store shows it.
// Pulled by the subscriber, so that a slow one slows only itself; nothing is buffered here.
import { setTimeout } from 'node:timers/promises';
import type { Position, StoredEvent } from '../events/event-store.js';
import type { RequestContext } from './request-context.js';
import { createReader } from './request-context.js';

const WAIT_MS = 30_000;
const PAUSE_MS = 500;

export interface MessageSource<Message> {
  readonly context: RequestContext;
  /** Behind which position; null: from the log's start. */
  readonly after: Position | null;
  /** The message that an event becomes, null for one that is none of the subscriber's. */
  readonly message: (event: StoredEvent) => Message | null;
  /** Whether nothing more can come behind this message. */
  readonly isLast?: (message: Message) => boolean;
  /** What is sent before the log is followed. */
  readonly first?: (signal: AbortSignal) => Promise<Message | null>;
}

/** Ends when the subscriber leaves: `return` aborts what is being waited for. */
export function logMessages<Message>(source: MessageSource<Message>): AsyncIterableIterator<Message, undefined> {
  const leaving = new AbortController();
  const messages = generate(source, leaving.signal);
  return {
    next: () => messages.next(),
    return: async () => {
      leaving.abort();
      return messages.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* generate<Message>(source: MessageSource<Message>, signal: AbortSignal): AsyncGenerator<Message, undefined> {
  const { context, message, isLast } = source;
  const first = await source.first?.(signal) ?? null;
  if (first !== null) {
    yield fresh(first, context);
    if (isLast?.(first) === true) return undefined;
  }
  for await (const next of following(source, message, signal)) {
    yield fresh(next, context);
    if (isLast?.(next) === true) return undefined;
  }
  return undefined;
}

/** The log's messages, each once the read store shows it. */
async function* following<Message>(
  { context, after }: MessageSource<Message>, message: MessageSource<Message>['message'], signal: AbortSignal,
): AsyncGenerator<Message, undefined> {
  for await (const followed of context.api.store.follow({ after: after ?? undefined, signal })) {
    const next = followed.kind === 'event' ? message(followed.event) : null;
    if (followed.kind !== 'event' || next === null) continue;
    if (!await shown(followed.event.position, context, signal)) return undefined;
    yield next;
  }
  return undefined;
}

/** Waits until the read store is at or past the position; false once the subscriber has left. */
export async function shown(position: Position, { api }: RequestContext, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await orAborted(api.projector.waitFor(position, WAIT_MS), signal)) return true;
    // A projector that has stopped answers at once.
    await orAborted(setTimeout(PAUSE_MS, false, { ref: false }), signal);
  }
  return false;
}

function orAborted(waiting: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const leave = (): void => resolve(false);
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    waiting.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

// Each message reads for itself: what an earlier one has read may have changed.
function fresh<Message>(message: Message, context: RequestContext): Message {
  context.reader = createReader(context.api.readStore);
  return message;
}
