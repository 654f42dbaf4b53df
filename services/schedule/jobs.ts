// The port for wake-up calls: one for each cluster, at a planned instant of the wall clock.
// A call carries no meaning and may come late, twice, or to another scheduler that shares the calls; whoever is woken decides by the clock
// and the ledger what is due.

export interface Jobs {
  /** Calls are given to `onDue` from now on. It returns at once: the work goes on behind it. */
  start(onDue: (clusterId: string) => void): Promise<void>;
  /** Replaces the call that was planned here for the cluster, if there is one. An instant that is past is due at once. */
  schedule(clusterId: string, at: string): Promise<void>;
  /** Cancelling what is not scheduled does nothing. */
  cancel(clusterId: string): Promise<void>;
  /** No call is given after it. May be called twice. */
  stop(): Promise<void>;
}
