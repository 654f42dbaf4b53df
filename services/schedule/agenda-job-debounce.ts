// When a debounced Agenda job runs after it was saved once more, as a pure function of the two and the time.
// Only Agenda's repository contract asks for it; slots are never debounced.
import type { DebounceOptions, JobParameters } from 'agenda';

export function debounced<DATA>(
  job: JobParameters<DATA>, saved: JobParameters | undefined, options: DebounceOptions,
): JobParameters<DATA> {
  const now = new Date();
  const startedAt = saved?.debounceStartedAt ?? now;
  const merged = { ...saved, ...job, debounceStartedAt: startedAt, ...(saved?._id ? { _id: saved._id } : {}) };
  if (options.strategy === 'leading') return { ...merged, nextRunAt: saved ? saved.nextRunAt : job.nextRunAt };
  if (saved && options.maxWait && now.getTime() - startedAt.getTime() >= options.maxWait) {
    const { debounceStartedAt: _ended, ...forced } = merged;
    return { ...forced, nextRunAt: now };
  }
  return { ...merged, nextRunAt: new Date(now.getTime() + options.delay) };
}
