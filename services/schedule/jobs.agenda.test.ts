import { expect, test } from '@jest/globals';
import { createMemoryAgendaBackend } from './agenda-backend.memory.js';
import { createAgendaJobs } from './jobs.agenda.js';
import { jobsContract } from './jobs.contract.js';

jobsContract('in memory', async () => ({ backend: createMemoryAgendaBackend(), dispose: async () => undefined }));

test('in memory, eight times the clusters take about eight times as long to plan again', async () => {
  const backend = createMemoryAgendaBackend();
  const jobs = createAgendaJobs(backend, () => undefined);
  await jobs.start(() => undefined);
  const replanned = async (clusters: readonly string[]): Promise<number> => {
    for (const clusterId of clusters) await jobs.schedule(clusterId, '2090-01-01T00:00:00.000Z');
    const began = performance.now();
    for (const clusterId of clusters) await jobs.schedule(clusterId, '2095-01-01T00:00:00.000Z');
    const took = performance.now() - began;
    const planned = (await backend.repository.queryJobs()).jobs.map((job) => job.nextRunAt?.toISOString());
    expect(planned).toEqual(clusters.map(() => '2095-01-01T00:00:00.000Z'));
    for (const clusterId of clusters) await jobs.cancel(clusterId);
    return took;
  };
  const clusters = Array.from({ length: 4000 }, (_, n) => `c${n}`);
  await replanned(clusters.slice(0, 500));
  const few = await replanned(clusters.slice(0, 500));
  expect(await replanned(clusters) / few).toBeLessThan(20);
  await jobs.stop();
});
