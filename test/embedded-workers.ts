// Several workers on one event log inside the test's process, against a real etcd: on one disk, or as agents each with a disk of its own.
// Each has a command handler of its own, so that they meet only in the log, as processes do.
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicFactory } from 'ulid';
import type { DomainEvent } from '../events/catalogue.js';
import type { EventStore } from '../events/event-store.js';
import { openSqliteEventStore } from '../events/event-store.sqlite.js';
import { createLog } from '../log.js';
import { connectEtcd } from '../services/etcd/etcd-client.js';
import type { ConnectEtcd, EtcdConnection } from '../services/etcd/etcd.js';
import { plainEncoding } from '../events/target-events.js';
import type { ClusterCommand } from '../services/ledger/cluster-commands.js';
import { type CommandHandler, createCommandHandler } from '../services/ledger/command-handler.js';
import { agentMembership } from '../services/snapshots/agent-membership.js';
import type { OpenPart } from '../services/snapshots/open-work.js';
import { runPart } from '../services/snapshots/part-attempt.js';
import { endSilentPart } from '../services/snapshots/part-silence.js';
import { runPrune } from '../services/snapshots/prune-run.js';
import { runRepair } from '../services/snapshots/repair-run.js';
import { createSpoolRoom } from '../services/snapshots/spool-room.js';
import { snapshotIdOf, snapshotName } from '../services/snapshots/snapshot-name.js';
import { type Worker, createWorker } from '../services/snapshots/worker.js';
import type { NodeAgent } from '../services/snapshots/work-reach.js';
import { targetRegistry } from '../services/targets/target-registry.js';
import type { Target } from '../services/targets/target.js';
import { localTarget } from '../services/targets/target.local.js';
import { openTargetRoots } from '../services/targets/target-roots.js';
import { openSqliteVault } from '../services/vault/vault.sqlite.js';

export interface WorkerWay {
  readonly name: string;
  readonly leaseMs?: number;
  /** In place of the worker's own way to the ledger; wraps what it is given. */
  readonly throughCommands?: (commands: CommandHandler) => CommandHandler;
  readonly connect?: ConnectEtcd;
  readonly now?: () => string;
  /** Serves this node, on a disk of its own: see `diskOf`. */
  readonly agent?: NodeAgent | null;
  readonly silenceMs?: number;
  /** Awaited before a part is claimed. */
  readonly beforeClaim?: (part: OpenPart) => Promise<void>;
}

export interface EmbeddedWorkers {
  readonly store: EventStore;
  readonly commands: CommandHandler;
  readonly localPath: string;
  /** The target `local` of an agent. */
  diskOf(node: string): string;
  /** What is stored in the one bucket, which every worker reaches. */
  readonly bucketPath: string;
  /** Makes the bucket a target. */
  createBucket(): Promise<string>;
  execute(clusterId: string, command: ClusterCommand): Promise<void>;
  register(clusterId: string, connection: EtcdConnection, targetIds?: readonly string[]): Promise<void>;
  /** Id of a new manual snapshot. */
  request(clusterId: string, slot?: string): Promise<string>;
  start(way: WorkerWay): Worker;
  /** The snapshot's events so far, in order. */
  told(snapshotId: string): Promise<readonly DomainEvent[]>;
  /** Resolves with the snapshot's first event of the type. */
  until(snapshotId: string, type: DomainEvent['type'], count?: number): Promise<DomainEvent>;
  dispose(): Promise<void>;
}

const context = { actor: 'test', correlationId: 'test', causationId: 'test' };
const wallClock = (): string => new Date().toISOString();

export async function createEmbeddedWorkers(): Promise<EmbeddedWorkers> {
  const folder = await mkdtemp(join(tmpdir(), 'snapkeep-workers-'));
  const localPath = join(folder, 'snapshots');
  await mkdir(localPath);
  const store = openSqliteEventStore(join(folder, 'events.db'));
  const vault = openSqliteVault(join(folder, 'vault.db'), Buffer.alloc(32, 7));
  const newCommands = (now = wallClock): CommandHandler => createCommandHandler({ store, now, newId: randomUUID });
  const commands = newCommands();
  const roots = openTargetRoots(join(folder, 'target-roots.json'));
  const workers: Worker[] = [];
  const newUlid = monotonicFactory();
  const diskFor = (agent: NodeAgent | null) => {
    const [nodeId, local] = agent ? [agent.node, diskOf(agent.node)] : ['node', localPath];
    const ownRoots = agent ? openTargetRoots(join(folder, `target-roots-${nodeId}.json`)) : roots;
    return { nodeId, local, openLocal: (place: { targetId: string; root: string }) => localTarget({ ...place, nodeId, roots: ownRoots }) };
  };
  /** A directory in the bucket's place, which no node owns. */
  const openBucket = ({ targetId }: { targetId: string }): Target => {
    const directory = localTarget({ targetId, root: bucketPath, nodeId: 'bucket', roots: openTargetRoots(join(folder, 'target-roots-bucket.json')) });
    return { ...directory, storedOn: null, spoolFolder: async () => null };
  };

  const bucketPath = join(folder, 'bucket');
  const diskOf = (node: string): string => join(folder, 'disks', node);

  const accepted = async (clusterId: string, command: ClusterCommand): Promise<void> => {
    const executed = await commands.executeCluster(clusterId, command, context);
    if (executed.outcome === 'rejected') throw new Error(executed.rejection.rejected.message);
  };

  return {
    store,
    commands,
    localPath,
    diskOf,
    bucketPath,
    async createBucket() {
      const settings = {
        region: null, endpoint: null, addressing: 'AUTO', ca: null, proxy: null, requestTimeoutSeconds: 1, checksumMode: 'AUTO', serverSideEncryption: 'NONE',
        kmsKeyId: null, storageClass: null, accessKeyHint: null, secretRef: null,
      } as const;
      const target = { targetId: 'bucket', name: 'bucket', bucket: 'bucket', folder: '', settings, encoding: plainEncoding };
      await commands.executeTarget('bucket', { type: 'CreateS3Target', ...target }, context);
      return 'bucket';
    },
    execute: accepted,
    async register(clusterId, { endpoints }, targetIds = ['local']) {
      const connection = { endpoints, ca: null, clientCertificate: null, username: null, secretRef: null };
      const policy = { recurringEnabled: false, targetIds };
      await accepted(clusterId, { type: 'RegisterCluster', clusterId, name: clusterId, connection, legacy: false, policy, now: wallClock() });
    },
    async request(clusterId, slot) {
      const [now, id] = [wallClock(), newUlid()];
      const snapshotId = snapshotIdOf(clusterId, id);
      const name = snapshotName(now, id, null);
      const kind = slot === undefined ? 'MANUAL' : 'RECURRING';
      await accepted(clusterId, { type: 'RequestSnapshot', snapshotId, name, kind, slot: slot ?? null, givenName: null, idempotencyKey: null, now });
      return snapshotId;
    },
    start({ name, leaseMs = 30_000, throughCommands = (own) => own, connect = connectEtcd, now = wallClock, agent = null, silenceMs = 600_000, beforeClaim }) {
      const own = throughCommands(newCommands(now));
      const { nodeId, local, openLocal } = diskFor(agent);
      const log = createLog('silent', { pretty: false });
      const targets = targetRegistry({ commands: own, vault, localPath: local, openLocal, openS3: async (place) => openBucket(place) });
      const places = { ...targets, spoolFolder: folder, snapkeepVersion: 'test', onDefect: () => undefined };
      const shared = { commands: own, worker: name, nodeId, places, spools: createSpoolRoom(null), stallMs: 10_000, now, log };
      const attempts = { ...shared, agent, leaseMs, retryPausesMs: [100], idleTimeoutMs: 10_000, vault, connectEtcd: connect };
      const worker = createWorker({
        store, worker: name, nodeId, agent, agentSilenceMs: silenceMs, parallel: 2, log,
        membership: agent && agentMembership({ agent, worker: name, commands: own, vault, connectEtcd: connect, log }),
        endSilentPart: (part, silentForMs) => endSilentPart({ commands: own, worker: name }, part, silentForMs),
        monotonicMs: () => performance.now(), firstRepairMs: 100,
        runRepair: (repair, signal) => runRepair({ ...shared, repairPausesMs: [100, 100] }, repair, signal),
        runPart: async (part, takeOver, signal) => {
          await beforeClaim?.(part);
          return runPart(attempts, part, takeOver, signal);
        },
        runPrune: (prune) => runPrune({ commands: own, worker: name, targets, log }, prune),
        sweep: async ({ folder: swept, targetIds }) => {
          for (const targetId of targetIds) await (await targets.openTarget(targetId)).sweep({ folder: swept });
        },
      });
      workers.push(worker);
      worker.start();
      return worker;
    },
    async told(snapshotId) {
      const events: DomainEvent[] = [];
      for await (const { event } of store.readAll()) if (isOf(event, snapshotId)) events.push(event);
      return events;
    },
    async until(snapshotId, type, count = 1) {
      const seen = new AbortController();
      let missing = count;
      for await (const item of store.follow({ signal: seen.signal })) {
        if (item.kind !== 'event' || item.event.event.type !== type || !isOf(item.event.event, snapshotId)) continue;
        missing -= 1;
        if (missing > 0) continue;
        seen.abort();
        return item.event.event;
      }
      throw new Error(`the log ended before ${type} of ${snapshotId}`);
    },
    async dispose() {
      await Promise.all(workers.map((worker) => worker.stop(1_000)));
      await vault.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isOf({ data }: DomainEvent, snapshotId: string): boolean {
  return 'snapshotId' in data && data.snapshotId === snapshotId;
}
