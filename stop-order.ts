// What was started and in which order it ends: first, at once, all that takes work; then what that stands on, in reverse, one by one.
// Knows no bound and does not end the process: see main.ts.

export interface StartedPart {
  readonly name: string;
  /** It must take no new work from the first moment of the stop on. */
  readonly takesWork?: boolean;
  readonly stop: () => Promise<void>;
}

export interface StopOrder {
  add(part: StartedPart): void;
  /** Stops each part once. One that fails is told to `onFailure` and keeps no other from its stop. */
  stop(): Promise<void>;
  /** Names of the parts whose stop has not come to its end. */
  unended(): readonly string[];
}

export function createStopOrder(onFailure: (name: string, error: unknown) => void): StopOrder {
  const started = new Set<StartedPart>();
  const end = async (part: StartedPart): Promise<void> => {
    await part.stop().catch((error: unknown) => onFailure(part.name, error));
    started.delete(part);
  };
  return {
    add: (part) => void started.add(part),
    async stop() {
      await Promise.all([...started].filter(({ takesWork }) => takesWork).map(end));
      for (const part of [...started].reverse()) await end(part);
    },
    unended: () => [...started].map(({ name }) => name),
  };
}
