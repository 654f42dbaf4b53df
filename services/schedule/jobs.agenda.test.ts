import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createMemoryAgendaBackend } from './agenda-backend.memory.js';
import { createAgendaJobs } from './jobs.agenda.js';
import type { Jobs } from './jobs.js';

let errors: Error[];
let woken: string[];
let jobs: Jobs;
let backend: ReturnType<typeof createMemoryAgendaBackend>;
let wake: (clusterId: string) => void;

beforeEach(async () => {
  errors = [];
  woken = [];
  backend = createMemoryAgendaBackend();
  jobs = createAgendaJobs(backend, (error) => errors.push(error));
  await jobs.start((clusterId) => {
    woken.push(clusterId);
    wake(clusterId);
  });
});
afterEach(async () => {
  await jobs.stop();
  expect(errors).toEqual([]);
});

const nextWake = (): Promise<string> => new Promise((resolve) => {
  wake = resolve;
});
const planned = async (): Promise<(string | undefined)[]> =>
  (await backend.repository.queryJobs()).jobs.map((job) => job.nextRunAt?.toISOString());

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

test('eight times the clusters take about eight times as long to plan again', async () => {
  const replanned = async (clusters: readonly string[]): Promise<number> => {
    for (const clusterId of clusters) await jobs.schedule(clusterId, '2090-01-01T00:00:00.000Z');
    const began = performance.now();
    for (const clusterId of clusters) await jobs.schedule(clusterId, '2095-01-01T00:00:00.000Z');
    const took = performance.now() - began;
    expect(await planned()).toEqual(clusters.map(() => '2095-01-01T00:00:00.000Z'));
    for (const clusterId of clusters) await jobs.cancel(clusterId);
    return took;
  };
  const clusters = Array.from({ length: 4000 }, (_, n) => `c${n}`);
  await replanned(clusters.slice(0, 500));
  const few = await replanned(clusters.slice(0, 500));
  expect(await replanned(clusters) / few).toBeLessThan(20);
});

test('stopping twice does nothing', async () => {
  await jobs.stop();
  await expect(jobs.stop()).resolves.toBeUndefined();
});
