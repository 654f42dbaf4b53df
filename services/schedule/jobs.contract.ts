// What wake-up calls by Agenda must do on every backend, as tests to be registered by the backend's own test file.
// Knows nothing of how jobs are kept.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AgendaBackend } from 'agenda';
import { createAgendaJobs } from './jobs.agenda.js';
import type { Jobs } from './jobs.js';

export interface JobsFixture {
  readonly backend: AgendaBackend;
  dispose(): Promise<void>;
}

export function jobsContract(name: string, arrange: () => Promise<JobsFixture>): void {
  describe(`wake-up calls: ${name}`, () => {
    let fixture: JobsFixture;
    let errors: Error[];
    let woken: string[];
    let jobs: Jobs;
    let wake: (clusterId: string) => void;
    beforeEach(async () => {
      errors = [];
      woken = [];
      wake = () => undefined;
      fixture = await arrange();
      jobs = createAgendaJobs(fixture.backend, (error) => errors.push(error));
      await jobs.start((clusterId) => {
        woken.push(clusterId);
        wake(clusterId);
      });
    });
    afterEach(async () => {
      await jobs.stop();
      await fixture.dispose();
      expect(errors).toEqual([]);
    });

    const nextWake = (): Promise<string> => new Promise((resolve) => {
      wake = resolve;
    });
    const planned = async (): Promise<(string | undefined)[]> =>
      (await fixture.backend.repository.queryJobs()).jobs.map((job) => job.nextRunAt?.toISOString());

    test('an instant that is past is due at once', async () => {
      const due = nextWake();
      await jobs.schedule('a', '2020-01-01T00:00:00.000Z');
      expect(await due).toBe('a');
    });

    test('a newer call replaces the older one, also years ahead', async () => {
      await jobs.schedule('a', '2090-01-01T00:00:00.000Z');
      await jobs.schedule('a', '2095-01-01T00:00:00.000Z');
      expect(await planned()).toEqual(['2095-01-01T00:00:00.000Z']);
      expect(woken).toEqual([]);
    });

    test('a call placed while the last one runs is kept', async () => {
      const woke = nextWake();
      await jobs.schedule('a', '2020-01-01T00:00:00.000Z');
      await woke;
      await jobs.schedule('a', '2095-01-01T00:00:00.000Z');
      const other = nextWake();
      await jobs.schedule('b', '2020-01-01T00:00:00.000Z');
      expect(await other).toBe('b');
      expect(await planned()).toContain('2095-01-01T00:00:00.000Z');
    });

    test('a cancelled call wakes nobody, and cancelling may be repeated', async () => {
      await jobs.schedule('a', '2095-01-01T00:00:00.000Z');
      await jobs.cancel('a');
      await jobs.cancel('a');
      expect(await planned()).toEqual([]);
    });

    test('stopping twice does nothing', async () => {
      await jobs.stop();
      await expect(jobs.stop()).resolves.toBeUndefined();
    });
  });
}
