// Waits for a fact: asks until the answer is there, and says what was missing where it never comes.
// Not a sleep: nothing passes by time alone.

const askAgainMs = 25;

export interface Patience {
  /** How long the fact may take at most; a bound for broken code, not an expectation. */
  readonly withinMs?: number;
}

/** The first answer that is not `undefined`; rejects with what was awaited and what was seen last. */
export async function eventually<T>(
  awaited: string, ask: () => Promise<T | undefined> | T | undefined, { withinMs = 30_000 }: Patience = {},
): Promise<T> {
  const givenUpAt = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > givenUpAt) throw new Error(`not seen within ${withinMs} ms: ${awaited}`);
    await askAgain();
  }
}

/** Like `eventually`, for a condition; `seen` is shown where it never holds. */
export async function untilTrue(awaited: string, holds: () => Promise<boolean> | boolean, patience: Patience = {}): Promise<void> {
  await eventually(awaited, async () => (await holds()) || undefined, patience);
}

function askAgain(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, askAgainMs);
  return promise;
}
