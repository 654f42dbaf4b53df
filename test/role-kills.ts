// Six processes of mixed roles that are killed and restarted at random, two at a time, while clients change things, slots come due and
// subscribers listen. Of each role one process is always left. What must hold afterwards: see role-evidence.ts.
import type { EtcdConnection } from '../services/etcd/etcd.js';
import { atRandomInstant, killWhileStarting } from './kill-evidence.js';
import { type Acknowledged, mutationClients } from './mutation-clients.js';
import type { ProductionStores } from './production-stores.js';
import { type SeededRandom, seededRandom } from './seeded-random.js';
import { registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

export const manual = 'by-hand';
export const often = 'often';
/** Due one after the other, each so far apart that one scheduler at a time is enough to miss none. */
export const slotsEverySeconds = 30;
export const slotOffsets = [1, 6, 11, 16, 21, 26] as const;
export const slotCluster = (offset: number): string => `by-minute-${offset}`;
export const clusterIds = [manual, often, ...slotOffsets.map(slotCluster)];

/** Killed one at a time within each half, so that of each role one is always left. */
const halves = [
  ['api,scheduler', 'api,worker', 'worker,projector'],
  ['api,projector', 'worker,scheduler', 'projector,scheduler'],
] as const;
/** FerretDB reads a whole collection for one row of it: busier clients would leave the read store further and further behind. */
const longestThoughtMs = 600;
const longestStartMs = 1_500;
const readyWithinMs = 120_000;

export interface KillPlan {
  readonly forMs: number;
  /** Of a process, between two kills within its half. */
  readonly longestLifeMs: number;
  /** Of what is chosen; what happens when is the machine's. */
  readonly seed: number;
}

export interface MixedProcesses {
  readonly all: readonly Snapkeep[];
  readonly halves: readonly (readonly Snapkeep[])[];
  readonly apis: readonly Snapkeep[];
  readonly workers: readonly Snapkeep[];
  dispose(): Promise<void>;
}

export async function startMixedProcesses(stores: ProductionStores): Promise<MixedProcesses> {
  const started: { readonly roles: string; readonly half: number; readonly process: Snapkeep }[] = [];
  const dispose = async (): Promise<void> => void await Promise.all(started.map(({ process }) => process.dispose()));
  const starts = halves.flatMap((half, at) => half.map(async (roles) => {
    started.push({ roles, half: at, process: await startSnapkeep({ ...stores.env, SNAPKEEP_ROLES: roles }) });
  }));
  const failed = (await Promise.allSettled(starts)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') {
    await dispose();
    throw failed.reason;
  }
  const having = (role: string): Snapkeep[] => started.filter(({ roles }) => roles.includes(role)).map(({ process }) => process);
  return {
    all: started.map(({ process }) => process),
    halves: halves.map((_, at) => started.filter(({ half }) => half === at).map(({ process }) => process)),
    apis: having('api'),
    workers: having('worker'),
    dispose,
  };
}

export async function registerClusters({ apis: [api] }: MixedProcesses, etcd: EtcdConnection): Promise<void> {
  if (api === undefined) throw new Error('unreachable: three processes are APIs');
  await registerEtcd(api, manual, etcd);
  await registerEtcd(api, often, etcd, { policy: { cron: '*/8 * * * * *', retentionCount: 2 } });
  for (const offset of slotOffsets) {
    const cron = `${offset},${offset + slotsEverySeconds} * * * * *`;
    await registerEtcd(api, slotCluster(offset), etcd, { policy: { cron, retentionCount: 2 } });
  }
}

export interface KillsSurvived {
  /** By the clients of each API. */
  readonly acknowledged: readonly Acknowledged[];
  readonly kills: number;
  /** When every process was ready again. */
  readonly endedAt: Date;
}

/** Rejects with what a client saw of an API that ran. */
export async function killAtRandom(processes: MixedProcesses, { forMs, longestLifeMs, seed }: KillPlan): Promise<KillsSurvived> {
  const random = seededRandom(seed);
  const clients = new Map(processes.apis.map((api, at) => [api, mutationClients(api, random, manual, { keyPrefix: `api-${at}`, longestThoughtMs })]));
  const lives = new Map<Snapkeep, Promise<void>>();
  const failed = Promise.withResolvers<never>();
  const live = (process: Snapkeep): void => {
    const life = clients.get(process)?.run() ?? Promise.resolve();
    life.catch(failed.reject);
    lives.set(process, life);
  };
  const over = performance.now() + forMs;
  const killing = processes.halves.map(async (half) => {
    let kills = 0;
    for (; performance.now() < over; kills += 1) {
      await atRandomInstant(random.next() * longestLifeMs);
      const victim = random.pick(half);
      if (victim === undefined) break;
      await endAtRandom(victim, random);
      // The clients notice before it starts again.
      await lives.get(victim);
      if (random.next() < 0.15) await killWhileStarting(victim, random.next() * longestStartMs);
      await victim.start({ withinMs: readyWithinMs });
      live(victim);
    }
    return kills;
  });
  processes.all.forEach(live);
  const [ofOne = 0, ofOther = 0] = await Promise.race([Promise.all(killing), failed.promise]);
  await restartAll(processes.all, lives);
  return { acknowledged: [...clients.values()].map(({ acknowledged }) => acknowledged), kills: ofOne + ofOther, endedAt: new Date() };
}

/** With it the clients end, and workers sweep what was left. */
async function restartAll(all: readonly Snapkeep[], lives: ReadonlyMap<Snapkeep, Promise<void>>): Promise<void> {
  const codes = await Promise.all(all.map((process) => process.stop()));
  await Promise.all(lives.values());
  if (codes.some((code) => code !== 0)) throw new Error(`told to stop, the processes ended with ${codes.join(', ')}`);
  await Promise.all(all.map((process) => process.start({ withinMs: readyWithinMs })));
}

/** Mostly without a word, sometimes as told. */
async function endAtRandom(victim: Snapkeep, random: SeededRandom): Promise<void> {
  if (random.next() < 0.2) await victim.stop();
  else await victim.kill9();
}
