// Wake-up calls by Agenda: one one-time job for each cluster, never `every()`, which clears a running job's lock.
// Agenda polls for jobs that are near, so an instant beyond the range of a timer needs no care here.
import { Agenda } from 'agenda';
import type { AgendaBackend } from 'agenda';
import type { Jobs } from './jobs.js';

const JOB = 'slot';
const PROCESS_EVERY_MS = 1000;
// Each run leaves a timer of half this time that holds the process open. A run only wakes,
// and a call given twice is harmless, so short is enough.
const LOCK_LIFETIME_MS = 2000;

/** `onError` hears what Agenda could not do, such as a poll of a store that is away; it polls again by itself. */
export function createAgendaJobs(backend: AgendaBackend, onError: (error: Error) => void): Jobs {
  const times = { processEvery: PROCESS_EVERY_MS, defaultLockLifetime: LOCK_LIFETIME_MS };
  const agenda = new Agenda({ backend, ...times, removeOnComplete: true });
  agenda.on('error', onError);
  return {
    async start(onDue) {
      agenda.define<{ clusterId: string }>(JOB, async ({ attrs }) => onDue(attrs.data.clusterId));
      await agenda.start();
    },
    async schedule(clusterId, at) {
      await agenda.cancel({ name: JOB, data: { clusterId } });
      await agenda.schedule(new Date(at), JOB, { clusterId });
    },
    async cancel(clusterId) {
      await agenda.cancel({ name: JOB, data: { clusterId } });
    },
    async stop() {
      await agenda.stop();
    },
  };
}
