// Wake-up calls by Agenda: a one-time job for each cluster's next instant, never `every()`, which clears a running job's lock.
// Agenda polls for jobs that are near, so an instant beyond the range of a timer needs no care here.
import { Agenda } from 'agenda';
import type { AgendaBackend } from 'agenda';
import type { Jobs } from './jobs.js';

const JOB = 'slot';
const PROCESS_EVERY_MS = 1000;
// Each run leaves a timer of half this time that holds the process open. A run only wakes, and a call given twice is harmless, so it is
// just long enough for the calls that one poll finds.
const LOCK_LIFETIME_MS = 3000;
const CONCURRENCY = 100;

/**
 * In a backend that schedulers share, the same call planned by several of them is one job with one id. Calls of processes that are gone are
 * given too: whoever is woken for nothing does nothing.
 * `onError` hears what Agenda could not do, such as a poll of a store that is away; it polls again by itself.
 */
export function createAgendaJobs(backend: AgendaBackend, onError: (error: Error) => void): Jobs {
  const times = { processEvery: PROCESS_EVERY_MS, defaultLockLifetime: LOCK_LIFETIME_MS };
  const agenda = new Agenda({ backend, ...times, maxConcurrency: CONCURRENCY, defaultConcurrency: CONCURRENCY, removeOnComplete: true });
  agenda.on('error', onError);
  /** Of each cluster's latest call, given or not: found by its id, thousands of clusters are planned again at once. */
  const ids = new Map<string, string>();
  const cancel = async (clusterId: string): Promise<void> => {
    const id = ids.get(clusterId);
    if (id === undefined) return;
    await agenda.cancel({ id });
    ids.delete(clusterId);
  };
  return {
    async start(onDue) {
      agenda.define<{ clusterId: string }>(JOB, async ({ attrs }) => onDue(attrs.data.clusterId));
      await agenda.start();
    },
    async schedule(clusterId, at) {
      await cancel(clusterId);
      const { attrs } = await agenda.schedule(new Date(at), JOB, { clusterId, at });
      if (attrs._id !== undefined) ids.set(clusterId, String(attrs._id));
    },
    cancel,
    async stop() {
      await agenda.stop();
    },
  };
}
