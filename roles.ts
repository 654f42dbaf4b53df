// How each role is put together from its parts, started, and told to stop. What it stands on is given: see ground.ts.
// Which roles this process runs, and for how long, is main.ts's matter.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ulid } from 'ulid';
import { isSnapkeepError } from './events/errors.js';
import type { RoleState } from './health.js';
import type { Ground } from './ground.js';
import { now } from './ground.js';
import { readNodeId } from './node-id.js';
import packageJson from './package.json' with { type: 'json' };
import { createCheckpointFollower } from './projections/checkpoint-follower.js';
import { createProjector } from './projections/projector.js';
import type { Projector } from './projections/projector.js';
import type { ReadStore } from './projections/read-store.js';
import { connectEtcd } from './services/etcd/etcd-client.js';
import { followSchedules } from './services/schedule/schedule-follower.js';
import { createScheduler } from './services/schedule/scheduler.js';
import { slotRequest } from './services/schedule/slot-request.js';
import { sweepLeftover } from './services/snapshots/leftover-sweep.js';
import { agentMembership } from './services/snapshots/agent-membership.js';
import { runPart } from './services/snapshots/part-attempt.js';
import { agentSilenceMs, endSilentPart } from './services/snapshots/part-silence.js';
import { runPrune } from './services/snapshots/prune-run.js';
import { runRepair } from './services/snapshots/repair-run.js';
import { createSpoolRoom } from './services/snapshots/spool-room.js';
import { createWorker } from './services/snapshots/worker.js';
import type { Worker } from './services/snapshots/worker.js';
import { targetRegistry } from './services/targets/target-registry.js';
import { openTargetRoots } from './services/targets/target-roots.js';
import { targetTest } from './services/targets/target-test.js';
import { localTarget } from './services/targets/target.local.js';
import { destroyOrphanedSecrets } from './services/vault/orphaned-secrets.js';
import { destroyRetiredSecrets } from './services/vault/retired-secrets.js';

const scheduleCheckMs = 5_000;
/** What a stop may take beyond the drain. After half of it what hangs in a store is let go: the next start sweeps what it left. */
export const overtimeMs = 10_000;

export interface StartedRoles {
  /** What each says of itself. */
  readonly roles: Readonly<Record<string, () => RoleState>>;
  /** Null where this process is no API. */
  readonly reading: Reading | null;
}

/** What the API answers from. */
interface Reading {
  readonly readStore: ReadStore;
  /** Knows how far the rows are. */
  readonly projector: Projector;
}

type States = Record<string, () => RoleState>;

/** Rejects when a role cannot start or `stopping` aborts. */
export async function startRoles(ground: Ground, stopping: AbortSignal): Promise<StartedRoles> {
  const { roles } = ground.config;
  const states: States = {};
  if (roles.has('worker')) {
    await cleanVault(ground);
    keepSecretsInUse(ground);
    stopping.throwIfAborted();
  }
  const reading = roles.has('api') || roles.has('projector') ? await startReading(ground, states) : null;
  if (roles.has('worker')) states['worker'] = startWorker(ground).state;
  if (roles.has('scheduler')) states['scheduler'] = (await startScheduler(ground)).state;
  stopping.throwIfAborted();
  return { roles: states, reading: roles.has('api') ? reading : null };
}

/** The rows, with whoever writes them here, and whoever knows how far they are. */
async function startReading(ground: Ground, states: States): Promise<Reading> {
  const { config: { roles }, isShared } = ground;
  const readStore = await openRows(ground);
  const projector = roles.has('projector') ? startProjector(ground, readStore) : null;
  if (projector) states['projector'] = () => projector.state();
  // A projector that waits for its turn does not know how far the rows are.
  if (projector && !(isShared && roles.has('api'))) return { readStore, projector };
  const follower = startCheckpointFollower(ground, readStore);
  states['rows'] = () => follower.state();
  return { readStore, projector: follower };
}

/** Longer than any command may take between the vault and the log. */
const graceMs = 600_000;

/**
 * Where nobody else writes it is done when it resolves, else behind it. An event that cannot be read is no reason to end: the roles stop
 * at it and say so in readiness.
 */
async function cleanVault({ log, store, vault, isShared, atStop }: Ground): Promise<void> {
  const ending = new AbortController();
  const grace = isShared ? () => pause(graceMs, undefined, { signal: ending.signal, ref: false }) : undefined;
  const cleaned = destroyOrphanedSecrets(store, vault, grace).then((orphans) => {
    if (orphans > 0) log.warn({ orphans }, 'destroyed secrets that no cluster and no target uses');
  }).catch((error: unknown) => {
    if (ending.signal.aborted) return;
    if (!isShared && !isSnapkeepError(error, 'EVENT_UNDECODABLE') && !isSnapkeepError(error, 'EVENT_VERSION_UNKNOWN')) throw error;
    log.warn({ err: error }, 'secrets that no cluster and no target uses were not looked for: the log cannot be read whole');
  });
  if (!isShared) return cleaned;
  const stop = async (): Promise<void> => {
    ending.abort();
    await cleaned;
  };
  return atStop({ name: 'clean-up of secrets', stop });
}

/** Ends with the log's last event that can be read, as the roles do; readiness shows theirs. */
function keepSecretsInUse({ log, store, vault, atStop }: Ground): void {
  const ending = new AbortController();
  const ended = destroyRetiredSecrets({ store, vault, log }, ending.signal).catch((error: unknown) => {
    log.fatal({ err: error }, 'secrets of retired targets are not destroyed any more: the log cannot be read');
  });
  const stop = async (): Promise<void> => {
    ending.abort();
    await ended;
  };
  atStop({ name: 'secrets of retired targets', stop });
}

async function openRows({ openReadStore, atStop }: Ground): Promise<ReadStore> {
  const readStore = await openReadStore();
  atStop({ name: 'read store', stop: () => readStore.close() });
  return readStore;
}

function startProjector(ground: Ground, readStore: ReadStore): Projector {
  const { store, leadership } = ground;
  return run('projector', createProjector({ store, readStore, leadership }), ground);
}

/** For an API whose rows other processes write too. */
function startCheckpointFollower(ground: Ground, readStore: ReadStore): Projector {
  return run('checkpoint follower', createCheckpointFollower({ store: ground.store, readStore }), ground);
}

function run(name: string, projector: Projector, { log, atStop }: Ground): Projector {
  const ending = new AbortController();
  const ran = projector.run(ending.signal).then(() => {
    const { failure } = projector.state();
    if (failure !== null) log.fatal({ err: failure }, `the ${name} stopped: what the API shows does not change any more`);
  });
  const stop = async (): Promise<void> => {
    ending.abort();
    await ran;
  };
  atStop({ name, stop });
  return projector;
}

function startWorker({ config, log, store, vault, commands, testBoard, atStop }: Ground): Worker {
  const { dataDir, localPath, leaseMs, retryPausesMs, repairPausesMs, idleTimeoutMs, stallMs, spoolLimitBytes, agent } = config;
  const nodeId = readNodeId(dataDir, config.nodeName);
  const roots = openTargetRoots(join(dataDir, 'target-roots.json'));
  const ending = new AbortController();
  const targets = targetRegistry({
    commands, vault, localPath,
    openLocal: (place) => localTarget({ ...place, nodeId, roots }),
    // Loaded with the first bucket: the SDK costs megabytes, wanted or not.
    openS3: async (place, keys) => (await import('./services/targets/target.s3.js')).s3Target({ ...place, keys, ending: ending.signal }),
  });
  const onDefect = (targetId: string, error: unknown): void => log.error({ targetId, err: error }, 'a copy met a defect');
  const places = { ...targets, spoolFolder: emptyFolder(join(dataDir, 'spool')), snapkeepVersion: packageJson.version, onDefect };
  const spools = createSpoolRoom(spoolLimitBytes);
  // Names of nodes are unique within their cluster only.
  const id = agent === null ? nodeId : `${agent.clusterId}/${nodeId}`;
  const shared = { commands, worker: id, nodeId, places, spools, stallMs, now, log };
  const attempts = { ...shared, agent, leaseMs, retryPausesMs, idleTimeoutMs, vault, connectEtcd };
  const worker = createWorker({
    store, worker: id, nodeId, agent, parallel: config.parallel, log, firstRepairMs: repairPausesMs[0] ?? 0,
    membership: agent && agentMembership({ agent, worker: id, commands, vault, connectEtcd, log }), agentSilenceMs,
    monotonicMs: () => performance.now(),
    runPart: (part, takeOver, signal) => runPart(attempts, part, takeOver, signal),
    endSilentPart: (part, silentForMs) => endSilentPart({ commands, worker: id }, part, silentForMs),
    runPrune: (prune) => runPrune({ commands, worker: id, targets, log }, prune),
    runRepair: (repair, signal) => runRepair({ ...shared, repairPausesMs }, repair, signal),
    sweep: (leftover) => sweepLeftover(leftover, { targets, spools }),
  });
  worker.start();
  const stop = (): Promise<void> => {
    setTimeout(() => ending.abort(), config.drainMs + overtimeMs / 2).unref();
    return worker.stop(config.drainMs).finally(() => ending.abort());
  };
  atStop({ name: 'worker', takesWork: true, stop });
  const served = testBoard.serve(id, targetTest(targets), (error) => log.warn({ err: error }, 'targets cannot be tested for now'));
  atStop({ name: 'tests of targets', stop: served });
  return worker;
}

/** Of this process alone, since the data directory is: what an earlier one left in it is nobody's. */
function emptyFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

async function startScheduler({ log, store, commands, openJobs, atStop }: Ground) {
  const scheduler = createScheduler({
    jobs: await openJobs(),
    requestSlot: slotRequest({ commands, now, newUlid: ulid }),
    clock: { now: () => new Date() },
    watch: (check) => {
      const timer = setInterval(check, scheduleCheckMs).unref();
      return () => clearInterval(timer);
    },
    onTrouble: (trouble) => log.error({ ...trouble }, 'a slot could not be scheduled or requested; it is tried again'),
  });
  await scheduler.start();
  const ending = new AbortController();
  let failure: unknown = null;
  const followed = followSchedules(store, scheduler, ending.signal).catch((error: unknown) => {
    failure = error;
    log.fatal({ err: error }, 'the scheduler stopped: it cannot read the log');
  });
  const stop = async (): Promise<void> => {
    ending.abort();
    await followed;
    await scheduler.stop();
  };
  atStop({ name: 'scheduler', takesWork: true, stop });
  return { state: () => ({ ...scheduler.state(), failure }) };
}
