// Agenda's storage in MongoDB, shared by every scheduler: wake-up calls for the same cluster and instant are one job, whoever plans it.
// Agenda's own backend, without its ways to end the process or to wait for ever while MongoDB is away.
import { MongoBackend } from '@agendajs/mongo-backend';
import type { AgendaBackend, JobParameters, JobRepository, JobRepositoryOptions } from 'agenda';
import type { Db } from 'mongodb';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { namingFailures } from '../../events/store-failure.js';

const collection = 'jobs';
const connectAgainEveryMs = 2_000;
const jobsOfOnePoll = 200;

export interface JobsOpening {
  /** Told the first reason for which the start has to wait. */
  readonly onAway: (error: unknown) => void;
  /** Ends the wait: what it aborts with is thrown. */
  readonly signal: AbortSignal;
  /** No try begins later than this after the first. */
  readonly withinMs?: number;
}

/**
 * `db` stays the caller's to close. Jobs are looked for every second by each scheduler: no change streams, so that no replica set is needed.
 * @throws SnapkeepError STORE_UNAVAILABLE where MongoDB cannot be used in time.
 */
export async function openMongoAgendaBackend(db: Db, opening: JobsOpening): Promise<AgendaBackend> {
  const backend = new MongoBackend({ mongo: db, collection });
  const { prepare } = namingFailures('Jobs in MongoDB', 'Mongo', { prepare: () => prepared(db, backend) });
  await persistently(prepare, opening);
  return {
    name: 'MongoDB',
    repository: withoutTraps(backend.repository),
    ownsConnection: false,
    // Agenda neither catches its rejection nor asks again: it is connected by now.
    connect: async () => undefined,
    disconnect: async () => undefined,
  };
}

async function persistently(work: () => Promise<void>, { onAway, signal, withinMs = 60_000 }: JobsOpening): Promise<void> {
  signal.throwIfAborted();
  const stopped = once(signal, 'abort').then(() => signal.throwIfAborted());
  const givenUpAt = performance.now() + withinMs;
  for (let told = false; ; told = true) {
    try {
      return await Promise.race([work(), stopped]);
    } catch (error) {
      if (signal.aborted || performance.now() > givenUpAt) throw error;
      if (!told) onAway(error);
    }
    await Promise.race([pause(connectAgainEveryMs), stopped]);
  }
}

function withoutTraps(repository: JobRepository): JobRepository {
  const save = repository.saveJob.bind(repository);
  const next = repository.getNextJobToRun.bind(repository);
  const unlock = repository.unlockJob.bind(repository);
  let found = 0;
  return Object.assign(repository, {
    saveJob: <DATA>(job: JobParameters<DATA>, options?: JobRepositoryOptions) => save(shared(job), options),
    // Agenda locks all that is due before it runs any; thousands would have outlived their locks by then.
    async getNextJobToRun(...given: Parameters<typeof next>) {
      const job = found < jobsOfOnePoll ? await next(...given) : undefined;
      found = job === undefined ? 0 : found + 1;
      return job;
    },
    // Agenda does not wait for it: a rejection would end the process. A lock that stays expires.
    unlockJob: (job: JobParameters) => unlock(job).catch(() => undefined),
  });
}

async function prepared(db: Db, backend: MongoBackend): Promise<void> {
  // After a first contact that failed the driver connects again only when told to.
  await db.client.connect();
  await backend.connect();
  await db.collection(collection).createIndex({ name: 1, 'data.clusterId': 1, 'data.at': 1 }, { name: 'calls' }, {});
}

/** A new call is inserted unless it is there; that one is given back, with its id. */
function shared<DATA>(job: JobParameters<DATA>): JobParameters<DATA> {
  if (job._id !== undefined || !isCall(job.data)) return job;
  const { clusterId, at } = job.data;
  return { ...job, unique: { 'data.clusterId': clusterId, 'data.at': at }, uniqueOpts: { insertOnly: true } };
}

function isCall(data: unknown): data is { readonly clusterId: string; readonly at: string } {
  return typeof data === 'object' && data !== null && 'clusterId' in data && 'at' in data;
}
