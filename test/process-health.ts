// What a Snapkeep process says of its health over HTTP, whatever its roles.
// Not its API: see snapkeep-calls.ts.
import type { HealthReport } from '../health.js';
import { untilTrue } from './eventual-fact.js';
import type { Snapkeep } from './snapkeep-process.js';

export async function healthOf(snapkeep: Snapkeep): Promise<HealthReport> {
  return await (await fetch(new URL('/health/ready', snapkeep.url()))).json() as HealthReport;
}

export async function untilReady(processes: readonly Snapkeep[]): Promise<void> {
  await untilTrue('every process is ready', async () => (await Promise.all(processes.map(healthOf))).every(({ ready }) => ready), { withinMs: 90_000 });
}

/** Whether it is the one projector that leads; nobody may lead for a while. */
export async function leads(snapkeep: Snapkeep): Promise<boolean> {
  return (await healthOf(snapkeep)).parts['projector']?.message === 'follows the log';
}
