// A subscriber to every completion, which goes on behind its last cursor at whichever API answers, for as long as it is wanted.
// What it should have seen is for each test to say.
import { type CompletionView, completions } from './snapkeep-calls.js';
import type { Snapkeep } from './snapkeep-process.js';

export interface CompletionSubscriber {
  /** In the order in which they came. */
  readonly seen: readonly CompletionView[];
  /** How often it had to connect. */
  readonly connections: () => number;
  /** Resolves once it has ended, which takes a message or the end of the API that it is connected to. */
  stop(): Promise<void>;
}

/** `apis`: asked one after the other, beginning with the first. */
export function subscribeToCompletions(apis: readonly Snapkeep[], after: string): CompletionSubscriber {
  const seen: CompletionView[] = [];
  let wanted = true;
  let connections = 0;

  const listen = async (api: Snapkeep): Promise<void> => {
    connections += 1;
    for await (const completion of completions(api, { after: seen.at(-1)?.cursor ?? after })) {
      seen.push(completion);
      if (!wanted) return;
    }
  };
  const run = async (): Promise<void> => {
    for (let turn = 0; wanted; turn += 1) {
      const api = apis[turn % apis.length];
      // An API that is gone is what it is there to outlive.
      if (api?.isRunning()) await listen(api).catch((error: unknown) => assertGone(api, error));
      await nextTurn();
    }
  };
  const ran = run();
  return {
    seen,
    connections: () => connections,
    async stop() {
      wanted = false;
      await ran;
    },
  };
}

/** A message that has errors is none of a connection that was lost. */
function assertGone(api: Snapkeep, error: unknown): void {
  if (error instanceof Error && error.message.startsWith('the message has errors') && api.isRunning()) throw error;
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 20);
  return promise;
}
