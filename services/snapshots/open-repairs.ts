// Copies that failed while others of their snapshot were stored, folded from the log: what is to be made up for, from what, and when.
// Decides nothing: each is decided again on its stream. Instants are of the worker's own monotonic clock, in ms.
import type { ClusterEvent, ClusterEventOf, ReadFacts, StoredCopyFact, StoredKey } from '../../events/cluster-events.js';
import { copyFolder, repairFolder } from './copy-folder.js';
import type { Leftover } from './open-work.js';
import { type Handlers, type Seen, applyEvent } from './seen-events.js';

export interface OpenRepair {
  readonly clusterId: string;
  readonly snapshotId: string;
  readonly name: string;
  /** The part and attempt whose read it is to hold, what was read then, and the worker that did. */
  readonly part: string;
  readonly attempt: number;
  readonly facts: ReadFacts;
  readonly readBy: string;
  /** Where copies of that read lie which can be read back: on a node's disk, or (null) where every worker reaches them. */
  storedOn: readonly (string | null)[];
  readonly targetId: string;
  readonly node: string | null;
  /** Of repairs. */
  failures: number;
  /** Not to be tried before. */
  notBefore: number;
}

export interface OpenRepairs {
  apply(clusterId: string, event: ClusterEvent, seen: Seen): void;
  /** Of snapshots that have ended. */
  due(): readonly OpenRepair[];
  /** What attempts and repairs may have left where copies failed, once the repairs have ended; handed out once. */
  takeLeftovers(): readonly Leftover[];
}

type PartTaken = ClusterEventOf<'SnapshotPartTaken'>['data'];
interface Place { readonly targetId: string; readonly node: string | null }
interface CopyOf extends Place { readonly snapshotId: string }
interface Running {
  readonly name: string;
  /** Who claimed a part last. */
  readonly workers: Map<string, string>;
  /** In the order in which they were taken. */
  readonly reads: PartTaken[];
}

const copyKey = ({ snapshotId, targetId, node }: CopyOf): string => `${snapshotId}/${targetId}/${node ?? ''}`;

const readableOn = (copies: readonly StoredCopyFact[]): readonly (string | null)[] =>
  copies.filter(({ encoding }) => !encoding.includes('age')).map(({ storedOn }) => storedOn);

/**
 * The read that a failed copy is to hold: of the part that was to store it. Where that part failed itself, a copy that is tied to no
 * node may hold another part's; a node's own copy holds its own member's bytes or nothing.
 */
function readFor({ targetId, node }: Place, reads: readonly PartTaken[]): PartTaken | undefined {
  const own = reads.find(({ failedCopies }) => failedCopies.some((copy) => copy.targetId === targetId && copy.node === node));
  return own ?? (node === null ? reads[0] : undefined);
}

/** `firstPauseMs`: from the end of the snapshot to the first repair. `nodeId`: under which this worker makes repairs. */
export function createOpenRepairs(firstPauseMs: number, nodeId: string): OpenRepairs {
  /** Snapshots that still run. */
  const running = new Map<string, Running>();
  const open = new Map<string, OpenRepair>();
  /** Targets of repairs that ended while others of their attempt are open, by its folder. */
  const ended = new Map<string, string[]>();
  let leftovers: Leftover[] = [];

  const begin = (clusterId: string, { snapshotId, failedCopies }: ClusterEventOf<'SnapshotTaken'>['data'], now: number): void => {
    const run = running.get(snapshotId);
    running.delete(snapshotId);
    for (const { targetId, node } of failedCopies) {
      const read = run && readFor({ targetId, node }, run.reads);
      if (!read) continue;
      const { part, attempt, facts } = read;
      const source = { part, attempt, facts, readBy: run.workers.get(part) ?? '', storedOn: readableOn(read.copies) };
      const repair = { clusterId, snapshotId, name: run.name, ...source, targetId, node, failures: 0, notBefore: now + firstPauseMs };
      open.set(copyKey(repair), repair);
    }
  };
  /** What this node's repairs may have left, but for the one that stored the copy; the ledger takes nothing of them any more. */
  const leaveTries = (repair: OpenRepair, keys: readonly StoredKey[]): void => {
    for (let n = 1; n <= repair.failures + 1; n += 1) {
      const folder = repairFolder(repair, repair.attempt, { n, nodeId });
      if (!keys.some(({ key }) => `/${key}`.includes(`/${folder}/`))) leftovers.push({ folder, targetIds: [repair.targetId] });
    }
  };
  /**
   * `keys`: of the copy, where it was stored. The attempt's leftovers are swept once none of its copies is to be made up for: until then
   * they may be read from its spool.
   */
  const end = (key: string, keys: readonly StoredKey[] = []): void => {
    const repair = open.get(key);
    if (repair === undefined) return;
    open.delete(key);
    leaveTries(repair, keys);
    const folder = copyFolder(repair, repair.attempt);
    const targetIds = [...ended.get(folder) ?? [], repair.targetId];
    ended.set(folder, targetIds);
    if ([...open.values()].some((other) => copyFolder(other, other.attempt) === folder)) return;
    ended.delete(folder);
    leftovers.push({ folder, targetIds });
  };
  const endAll = (snapshotId: string): void => {
    for (const [key, repair] of open) if (repair.snapshotId === snapshotId) end(key);
  };
  const fail = (data: ClusterEventOf<'SnapshotCopyFailed'>['data'], now: number): void => {
    const repair = open.get(copyKey(data));
    if (repair && data.retryAfterMs !== null) Object.assign(repair, { failures: repair.failures + 1, notBefore: now + data.retryAfterMs });
    else end(copyKey(data));
  };

  /** What was made up for can itself be read back for the others that are to hold the same read. */
  const store = ({ snapshotId, copy }: ClusterEventOf<'SnapshotCopyStored'>['data']): void => {
    const key = copyKey({ ...copy, snapshotId });
    const part = open.get(key)?.part;
    end(key, copy.keys);
    const others = [...open.values()].filter((other) => other.snapshotId === snapshotId && other.part === part);
    for (const other of others) other.storedOn = [...other.storedOn, ...readableOn([copy])];
  };

  const on: Handlers = {
    SnapshotRequested: (_, { snapshotId, name }) => void running.set(snapshotId, { name, workers: new Map(), reads: [] }),
    SnapshotStarted: (_, { snapshotId, part, worker }) => void running.get(snapshotId)?.workers.set(part, worker),
    SnapshotPartTaken: (_, data) => void running.get(data.snapshotId)?.reads.push(data),
    SnapshotTaken: (clusterId, data, { now }) => begin(clusterId, data, now),
    SnapshotFailed: (_, { snapshotId }) => void running.delete(snapshotId),
    SnapshotCopyStored: (_, data) => store(data),
    SnapshotCopyFailed: (_, data, { now }) => fail(data, now),
    SnapshotPruneRequested: (_, { snapshotId, reason }) => (reason === 'DELETED' ? endAll(snapshotId) : undefined),
    SnapshotPruned: (_, { snapshotId, reason }) => (reason === 'ABANDONED' ? endAll(snapshotId) : undefined),
  };

  return {
    apply: (clusterId, event, seen) => applyEvent(on, clusterId, event, seen),
    due: () => [...open.values()],
    takeLeftovers() {
      const taken = leftovers;
      leftovers = [];
      return taken;
    },
  };
}
