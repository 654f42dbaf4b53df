// The port of leadership: of several processes that could project into one read store, one does. It spares work and is no fence:
// two leaders at once do no harm, since a commit compares the checkpoint.

export interface Lease {
  /** Aborts when another process may lead. */
  readonly lost: AbortSignal;
  /** Lets another process lead at once. Never rejects; may be called twice. */
  release(): Promise<void>;
}

export interface Leadership {
  /** Null while another process leads: to be asked again about every second until it does not. Throws STORE_UNAVAILABLE. */
  tryAcquire(): Promise<Lease | null>;
}

/** Of a store that belongs to one process. */
export const alwaysLeading: Leadership = {
  tryAcquire: async () => ({ lost: new AbortController().signal, release: async () => undefined }),
};
