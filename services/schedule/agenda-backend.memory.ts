// Agenda's storage in this process's memory: jobs are derived anew from the policies at each start.
// Shared by nobody and kept by nothing. Everything given in or out is a copy, as a database would have it.
import { computeJobState, InMemoryNotificationChannel, toJobId } from 'agenda';
import type { AgendaBackend, JobParameters, JobRepository, JobsOverview, JobState, JobWithState, RemoveJobsOptions } from 'agenda';
import { randomUUID } from 'node:crypto';
import { byQuerySort, byRunOrder, matchesFilter, matchesQuery, matchesUnique } from './agenda-job-match.js';
import { debounced } from './agenda-job-debounce.js';

type Saved = JobParameters & { _id: NonNullable<JobParameters['_id']> };

export function createMemoryAgendaBackend(): AgendaBackend {
  const notificationChannel = new InMemoryNotificationChannel();
  return {
    name: 'memory',
    repository: createMemoryJobRepository(),
    notificationChannel,
    ownsConnection: true,
    connect: async () => undefined,
    disconnect: async () => undefined,
  };
}

export function createMemoryJobRepository(): JobRepository {
  const jobs = new Map<string, Saved>();
  const all = (): Saved[] => [...jobs.values()];
  /** One job has the id; without an id it may be any. */
  const candidates = (id: RemoveJobsOptions['id']): Saved[] => {
    if (!id) return all();
    const job = jobs.get(String(id));
    return job ? [job] : [];
  };
  const store = <DATA>(job: JobParameters<DATA>): JobParameters<DATA> => {
    const { unique: _unique, uniqueOpts: _options, ...kept } = job;
    const saved = structuredClone({ ...kept, _id: job._id ?? toJobId(randomUUID()) });
    jobs.set(saved._id, saved);
    return structuredClone(saved);
  };
  const change = (matching: Saved[], fields: Partial<JobParameters>): number => {
    for (const job of matching) jobs.set(job._id, { ...job, ...fields });
    return matching.length;
  };
  const lock = (job: Saved, lockedAt: Date): JobParameters => {
    change([job], { lockedAt });
    return structuredClone({ ...job, lockedAt });
  };
  const unlock = (matching: Saved[]): void => {
    for (const { lockedAt: _lockedAt, ...job } of matching) jobs.set(job._id, job);
  };

  return {
    connect: async () => undefined,
    async queryJobs(options = {}) {
      const now = new Date();
      const found = all()
        .filter((job) => matchesQuery(job, options))
        .map((job): JobWithState => ({ ...structuredClone(job), state: computeJobState(job, now) }))
        .filter((job) => inState(job, options.state))
        .sort(byQuerySort(options.sort));
      const { skip = 0, limit = 0 } = options;
      return { jobs: found.slice(skip, limit > 0 ? skip + limit : undefined), total: found.length };
    },
    getJobsOverview: async () => [...Map.groupBy(all(), (job) => job.name)].map(([name, named]) => overviewOf(name, named)),
    getDistinctJobNames: async () => [...new Set(all().map((job) => job.name))],
    getJobById: async (id) => structuredClone(jobs.get(id) ?? null),
    async getQueueSize() {
      const now = new Date();
      return all().filter((job) => job.nextRunAt !== null && job.nextRunAt < now).length;
    },
    async removeJobs(options) {
      const matching = candidates(options.id).filter((job) => matchesFilter(job, options));
      for (const job of matching) jobs.delete(job._id);
      return matching.length;
    },
    async saveJob(job, options) {
      const given = { ...job, ...(options?.lastModifiedBy === undefined ? {} : { lastModifiedBy: options.lastModifiedBy }) };
      if (job._id) return jobs.has(job._id) ? store(given) : job;
      const { name, unique } = job;
      if (job.type === 'single') return store(overSingle(given, all().find((other) => other.name === name && other.type === 'single')));
      return unique ? store(overUnique(given, all().find((other) => other.name === name && matchesUnique(other, unique)))) : store(given);
    },
    async saveJobState(job) {
      const saved = job._id && jobs.get(job._id);
      if (!saved) throw new Error(`Agenda: the state of job ${job.name} cannot be saved, the job was removed; schedule it again`);
      jobs.set(saved._id, { ...saved, ...stateOf(structuredClone(job)) });
    },
    async lockJob(job) {
      const saved = job._id && jobs.get(job._id);
      if (!saved || saved.lockedAt || saved.disabled || saved.nextRunAt?.getTime() !== job.nextRunAt?.getTime()) return undefined;
      return lock(saved, new Date());
    },
    async unlockJob(job) {
      unlock(all().filter((saved) => saved._id === job._id && saved.nextRunAt !== null));
    },
    async unlockJobs(ids) {
      const wanted = new Set(ids.map(String));
      unlock(all().filter((saved) => wanted.has(saved._id)));
    },
    async getNextJobToRun(name, nextScanAt, lockDeadline, now) {
      const runnable = (job: Saved): boolean =>
        job.lockedAt ? job.lockedAt <= lockDeadline : Boolean(job.nextRunAt && job.nextRunAt <= nextScanAt);
      const wanted = all().filter((job) => job.name === name && !job.disabled && runnable(job));
      const next = wanted.reduce<Saved | undefined>((first, job) => (first === undefined || byRunOrder(job, first) < 0 ? job : first), undefined);
      return next && lock(next, now ?? new Date());
    },
    disableJobs: async (options) => change(all().filter((job) => matchesFilter(job, options)), { disabled: true }),
    enableJobs: async (options) => change(all().filter((job) => matchesFilter(job, options)), { disabled: false }),
    async purgeAllJobs() {
      const count = jobs.size;
      jobs.clear();
      return count;
    },
  };
}

/** A single job that is due already keeps the run it was planned for. */
function overSingle<DATA>(job: JobParameters<DATA>, saved: Saved | undefined): JobParameters<DATA> {
  if (!saved) return job;
  const due = job.nextRunAt !== null && job.nextRunAt <= new Date();
  return { ...saved, ...job, _id: saved._id, nextRunAt: due ? saved.nextRunAt : job.nextRunAt };
}

function overUnique<DATA>(job: JobParameters<DATA>, saved: Saved | undefined): JobParameters<DATA> {
  const options = job.uniqueOpts;
  if (options?.debounce) return debounced(job, saved, options.debounce);
  if (!saved) return job;
  return options?.insertOnly ? (saved as JobParameters<DATA>) : { ...saved, ...job, _id: saved._id };
}

function stateOf(job: JobParameters): Partial<JobParameters> {
  const { lockedAt, nextRunAt, lastRunAt, progress, failReason, failCount, failedAt, lastFinishedAt } = job;
  const given = { lockedAt, lastRunAt, progress, failReason, failCount, failedAt, lastFinishedAt };
  return { ...given, nextRunAt: nextRunAt ?? null } as Partial<JobParameters>;
}

function inState(job: JobWithState, state: JobState | undefined): boolean {
  if (state === undefined) return true;
  return state === 'paused' ? job.disabled === true : job.state === state;
}

function overviewOf(name: string, jobs: JobParameters[]): JobsOverview {
  const counts = { running: 0, scheduled: 0, queued: 0, completed: 0, failed: 0, repeating: 0, paused: 0 };
  const now = new Date();
  for (const job of jobs) {
    counts[computeJobState(job, now)] += 1;
    if (job.disabled) counts.paused += 1;
  }
  return { name, total: jobs.length, ...counts };
}
