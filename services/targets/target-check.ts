// One check of a target: what was tried, whether it went well, and what to do where it did not.
// Not the checks themselves: each kind of target has its own.

export interface TargetCheck {
  /** Short, for people: 'put', 'TLS trusted'. */
  readonly name: string;
  readonly ok: boolean;
  /** What was found; null where there is nothing to say. */
  readonly message: string | null;
  /** What to do; null where it went well. */
  readonly remedy: string | null;
}
