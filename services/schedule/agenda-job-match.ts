// Which jobs an Agenda query means and in what order it wants them, as pure functions over job parameters.
// Not a query language: only the criteria that Agenda's repository contract names.
import type { JobParameters, JobsQueryOptions, JobsSort, RemoveJobsOptions } from 'agenda';
import { isDeepStrictEqual } from 'node:util';

const SORT_FIELDS = ['nextRunAt', 'lastRunAt', 'lastFinishedAt', 'priority', 'name'] as const;
const NEWEST_FIRST: JobsSort = { nextRunAt: 'desc', lastRunAt: 'desc' };

export function matchesQuery(job: JobParameters, query: JobsQueryOptions): boolean {
  if (query.includeDisabled === false && job.disabled) return false;
  if (query.search && !job.name.toLowerCase().includes(query.search.toLowerCase())) return false;
  return matchesIdentity(job, query) && matchesData(job, query.data);
}

/** Criteria that name nothing match nothing. */
export function matchesFilter(job: JobParameters, filter: RemoveJobsOptions): boolean {
  const { id, ids = [], name, names = [], notNames = [], data } = filter;
  const named = [id, ...ids, name, ...names, ...notNames, data].some((criterion) => criterion !== undefined && criterion !== null);
  if (!named) return false;
  const excluded = !name && names.length === 0 && notNames.includes(job.name);
  return !excluded && matchesIdentity(job, filter) && matchesData(job, data);
}

/** Keys are paths such as `data.userId`. */
export function matchesUnique(job: JobParameters, unique: Record<string, unknown>): boolean {
  return Object.entries(unique).every(([path, wanted]) => {
    const found = path.split('.').reduce<unknown>((value, key) => fieldOf(value, key), job);
    return isDeepStrictEqual(found, structuredClone(wanted));
  });
}

export function byQuerySort(sort: JobsSort | undefined): (a: JobParameters, b: JobParameters) => number {
  const wanted = sort && Object.keys(sort).length > 0 ? sort : NEWEST_FIRST;
  return (a, b) => {
    for (const field of SORT_FIELDS) {
      const order = wanted[field] === undefined ? 0 : compare(a[field], b[field]);
      if (order !== 0) return wanted[field] === 'asc' ? order : -order;
    }
    return 0;
  };
}

/** The job that has waited longest, then the more important one. */
export function byRunOrder(a: JobParameters, b: JobParameters): number {
  return compare(a.nextRunAt, b.nextRunAt) || b.priority - a.priority;
}

function matchesIdentity(job: JobParameters, { id, ids, name, names }: JobsQueryOptions & RemoveJobsOptions): boolean {
  if (id ? job._id !== id : ids?.length && !ids.map(String).includes(String(job._id))) return false;
  return name ? job.name === name : !names?.length || names.includes(job.name);
}

function matchesData(job: JobParameters, data: unknown): boolean {
  return data === undefined || isDeepStrictEqual(job.data, structuredClone(data));
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([name]) => name === key)?.[1] : undefined;
}

function compare(a: Date | number | string | null | undefined, b: Date | number | string | null | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  const [left, right] = [Number(a ?? -Infinity), Number(b ?? -Infinity)];
  return left === right ? 0 : left - right;
}
