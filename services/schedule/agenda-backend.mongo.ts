// Agenda's storage in MongoDB, shared by every scheduler: wake-up calls for the same cluster and instant are one job, whoever plans it.
// Agenda's own backend, without its ways to end the process or to wait for ever while MongoDB is away.
import { MongoBackend } from '@agendajs/mongo-backend';
import type { AgendaBackend, JobParameters, JobRepository, JobRepositoryOptions } from 'agenda';
import type { Db } from 'mongodb';
import { setTimeout as pause } from 'node:timers/promises';

const collection = 'jobs';
const connectAgainEveryMs = 2_000;
const jobsOfOnePoll = 200;

/**
 * `db` stays the caller's to close. Jobs are looked for every second by each scheduler: no change streams, so that no replica set is needed.
 * `onAway` is told the first reason for which a start has to wait.
 */
export function createMongoAgendaBackend(db: Db, onAway: (error: unknown) => void): AgendaBackend {
  const backend = new MongoBackend({ mongo: db, collection });
  const repository = withoutTraps(backend.repository);
  return {
    name: 'MongoDB',
    repository,
    ownsConnection: false,
    // Agenda neither catches its rejection nor asks again.
    async connect() {
      for (let failure = await prepare(db, backend), told = false; failure !== null; failure = await prepare(db, backend)) {
        if (!told) onAway(failure.error);
        told = true;
        await pause(connectAgainEveryMs, undefined, { ref: false });
      }
    },
    disconnect: async () => undefined,
  };
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

/** Null once it is done. */
async function prepare(db: Db, backend: MongoBackend): Promise<{ readonly error: unknown } | null> {
  try {
    await backend.connect();
    await db.collection(collection).createIndex({ name: 1, 'data.clusterId': 1, 'data.at': 1 }, { name: 'calls' }, {});
    return null;
  } catch (error) {
    return { error };
  }
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
