// The composition root and entry: names the adapters, starts the roles in order, stops them within a bound on SIGTERM or SIGINT.
// The environment is read in config.ts; nothing else starts anything.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { ulid } from 'ulid';
import { readConfig } from './config.js';
import type { Config } from './config.js';
import { isSnapkeepError } from './events/errors.js';
import { openSqliteEventStore } from './events/event-store.sqlite.js';
import type { EventStore } from './events/event-store.js';
import { withFactLog } from './events/fact-log.js';
import { reportHealth } from './health.js';
import { createLog } from './log.js';
import { readNodeId } from './node-id.js';
import packageJson from './package.json' with { type: 'json' };
import { createProjector } from './projections/projector.js';
import { openSqliteReadStore } from './projections/read-store.sqlite.js';
import { createServer } from './schema/server.js';
import { connectEtcd } from './services/etcd/etcd-client.js';
import { createCommandHandler } from './services/ledger/command-handler.js';
import type { CommandHandler } from './services/ledger/command-handler.js';
import { createMemoryAgendaBackend } from './services/schedule/agenda-backend.memory.js';
import { createAgendaJobs } from './services/schedule/jobs.agenda.js';
import { followSchedules } from './services/schedule/schedule-follower.js';
import { createScheduler } from './services/schedule/scheduler.js';
import { slotRequest } from './services/schedule/slot-request.js';
import { agentMembership } from './services/snapshots/agent-membership.js';
import { runPart } from './services/snapshots/part-attempt.js';
import { agentSilenceMs, endSilentPart } from './services/snapshots/part-silence.js';
import { runPrune } from './services/snapshots/prune-run.js';
import { runRepair } from './services/snapshots/repair-run.js';
import { sweepLeftover } from './services/snapshots/leftover-sweep.js';
import { createSpoolRoom } from './services/snapshots/spool-room.js';
import { createWorker } from './services/snapshots/worker.js';
import { targetRegistry } from './services/targets/target-registry.js';
import { targetTest } from './services/targets/target-test.js';
import { localTarget } from './services/targets/target.local.js';
import { s3Target } from './services/targets/target.s3.js';
import { openTargetRoots } from './services/targets/target-roots.js';
import { sqliteVaultFingerprint } from './services/vault/keyed-vault.sqlite.js';
import { loadMasterKey } from './services/vault/master-key.js';
import { destroyOrphanedSecrets } from './services/vault/orphaned-secrets.js';
import { destroyRetiredSecrets } from './services/vault/retired-secrets.js';
import { openSqliteVault } from './services/vault/vault.sqlite.js';
import type { Vault } from './services/vault/vault.js';
import { createStopOrder } from './stop-order.js';
import type { StopOrder } from './stop-order.js';

/** What every role is given. Each tells `atStop` how it ends as soon as it has started. */
interface Ground {
  readonly config: Config;
  readonly log: Logger;
  readonly store: EventStore;
  readonly vault: Vault;
  readonly commands: CommandHandler;
  readonly atStop: StopOrder['add'];
}

const now = (): string => new Date().toISOString();
const scheduleCheckMs = 5_000;
/** What a stop may take beyond the drain. */
const overtimeMs = 10_000;

function openGround(config: Config, log: Logger, atStop: Ground['atStop']): Ground {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const store = withFactLog(openSqliteEventStore(join(config.dataDir, 'events.db')), log);
  atStop({ name: 'event log', stop: () => store.close() });
  const vaultFile = join(config.dataDir, 'vault.db');
  const masterKey = loadMasterKey({ ...config.masterKey, dataDir: config.dataDir }, sqliteVaultFingerprint(vaultFile));
  const vault = openSqliteVault(vaultFile, masterKey);
  atStop({ name: 'vault', stop: () => vault.close() });
  return { config, log, store, vault, commands: createCommandHandler({ store, now, newId: randomUUID }), atStop };
}

/** An event that cannot be read is no reason to end: the roles stop at it and say so in readiness. */
async function cleanVault({ log, store, vault }: Ground): Promise<void> {
  try {
    const orphans = await destroyOrphanedSecrets(store, vault);
    if (orphans > 0) log.warn({ orphans }, 'destroyed secrets that no cluster and no target uses');
  } catch (error) {
    if (!isSnapkeepError(error, 'EVENT_UNDECODABLE') && !isSnapkeepError(error, 'EVENT_VERSION_UNKNOWN')) throw error;
    log.warn({ err: error }, 'secrets that no cluster and no target uses were not looked for: the log cannot be read whole');
  }
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

async function startProjector({ config, log, store, atStop }: Ground) {
  const source = { eventStoreId: store.id, localPath: config.localPath };
  const readStore = openSqliteReadStore(join(config.dataDir, 'read.db'), source);
  atStop({ name: 'read store', stop: () => readStore.close() });
  const projector = createProjector({ store, readStore });
  const ending = new AbortController();
  const ran = projector.run(ending.signal).then(() => {
    const { failure } = projector.state();
    if (failure !== null) log.fatal({ err: failure }, 'the projector stopped: what the API shows does not change any more');
  });
  const stop = async (): Promise<void> => {
    ending.abort();
    await ran;
  };
  atStop({ name: 'projector', stop });
  const openMemoryReadStore = async () => openSqliteReadStore(':memory:', source);
  return { readStore, projector, openMemoryReadStore };
}

function startWorker({ config, log, store, vault, commands, atStop }: Ground) {
  const { dataDir, localPath, leaseMs, retryPausesMs, repairPausesMs, idleTimeoutMs, stallMs, spoolLimitBytes, agent } = config;
  const nodeId = readNodeId(dataDir, config.nodeName);
  const roots = openTargetRoots(join(dataDir, 'target-roots.json'));
  const targets = targetRegistry({
    commands, vault, localPath,
    openLocal: (place) => localTarget({ ...place, nodeId, roots }),
    openS3: (place, keys) => s3Target({ ...place, keys }),
  });
  const places = { ...targets, spoolFolder: emptyFolder(join(dataDir, 'spool')), snapkeepVersion: packageJson.version };
  const spools = createSpoolRoom(spoolLimitBytes);
  const worker = agent === null ? nodeId : `${agent.clusterId}/${nodeId}`;
  const shared = { commands, worker, nodeId, places, spools, stallMs, now, log };
  const attempts = { ...shared, agent, leaseMs, retryPausesMs, idleTimeoutMs, vault, connectEtcd };
  const running = createWorker({
    store, worker, nodeId, agent, parallel: config.parallel, log, firstRepairMs: repairPausesMs[0] ?? 0,
    membership: agent && agentMembership({ agent, worker, commands, vault, connectEtcd, log }), agentSilenceMs,
    monotonicMs: () => performance.now(),
    runPart: (part, takeOver, signal) => runPart(attempts, part, takeOver, signal),
    endSilentPart: (part, silentForMs) => endSilentPart({ commands, worker }, part, silentForMs),
    runPrune: (prune) => runPrune({ commands, worker, targets, log }, prune),
    runRepair: (repair, signal) => runRepair({ ...shared, repairPausesMs }, repair, signal),
    sweep: (leftover) => sweepLeftover(leftover, { targets, spools }),
  });
  running.start();
  atStop({ name: 'worker', takesWork: true, stop: () => running.stop(config.drainMs) });
  return { worker: running, testTarget: targetTest(targets, nodeId) };
}

/** Of this process alone, since the data directory is: what an earlier one left in it is nobody's. */
function emptyFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

async function startScheduler({ log, store, commands, atStop }: Ground) {
  const scheduler = createScheduler({
    jobs: createAgendaJobs(createMemoryAgendaBackend(), (error) => log.error({ err: error }, 'a scheduled job failed')),
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

/** The URL at which the API answers. Rejects when a part cannot start or `stopping` aborts; `atStop` knows by then what was started. */
async function startParts(config: Config, log: Logger, atStop: Ground['atStop'], stopping: AbortSignal): Promise<string> {
  const ground = openGround(config, log, atStop);
  const { store, vault, commands } = ground;
  await cleanVault(ground);
  keepSecretsInUse(ground);
  stopping.throwIfAborted();
  const { readStore, projector, openMemoryReadStore } = await startProjector(ground);
  const { worker, testTarget } = startWorker(ground);
  const scheduler = await startScheduler(ground);
  stopping.throwIfAborted();
  const roles = { projector: () => projector.state(), worker: () => worker.state(), scheduler: scheduler.state };
  const health = () => reportHealth({ store, roles });
  const server = createServer({
    config, dependencies: { commands, vault, store, readStore, projector, openMemoryReadStore, now, newId: randomUUID, log, health, testTarget },
  });
  const { url } = await server.start();
  atStop({ name: 'API server', takesWork: true, stop: () => server.stop() });
  return url;
}

/** Aborts at the first SIGTERM or SIGINT; the next one ends the process at once. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => stopping.abort());
  return stopping.signal;
}

async function run(): Promise<void> {
  const stopping = stopSignal();
  const told = once(stopping, 'abort');
  const config = readConfig(process.env);
  const log = createLog(config.logLevel, { pretty: process.stdout.isTTY });
  log.info('starting');
  const order = createStopOrder((name, error) => {
    log.error({ err: error }, `the ${name} could not be stopped`);
    process.exitCode = 1;
  });
  const started = startParts(config, log, (part) => order.add(part), stopping).then((url) => log.info(`ready ${url}`));
  await Promise.race([told, started.then(() => told, () => undefined)]);
  log.info('stopping: no new work; what runs may finish');
  const bound = setTimeout(() => giveUp(log, order), config.drainMs + overtimeMs);
  const failure: unknown = await started.then(() => null, (error: unknown) => error);
  await order.stop();
  // It stays armed for what nobody waits for, such as a call that hangs in the file system.
  bound.unref();
  if (failure !== stopping.reason) await started;
  log.info('stopped');
}

/** Not process.exit(), which waits for calls that hang in the file system. */
function giveUp(log: Logger, order: StopOrder): void {
  const unended = order.unended();
  log.fatal({ unended }, 'the stop did not end in time; what was not finished is taken up at the next start');
  process.stderr.write(`Snapkeep ends by force: still busy: ${unended.join(', ') || 'calls in the file system'}\n`);
  process.kill(process.pid, 'SIGKILL');
}

function explain(error: unknown): string {
  if (isSnapkeepError(error)) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

run().catch((error: unknown) => {
  process.stderr.write(`Snapkeep ends: ${explain(error)}\n`);
  process.exitCode = 1;
});
