// Copies that failed while others of their snapshot were stored, folded from the log: what is to be made up for, and when.
// Decides nothing: each is decided again on its stream. Instants are of the worker's own monotonic clock, in ms.
import type { ClusterEvent, ClusterEventOf, ReadFacts } from '../../events/cluster-events.js';
import { copyFolder, repairFolder } from './copy-folder.js';
import type { Leftover, Seen } from './open-work.js';

export interface OpenRepair {
  readonly clusterId: string;
  readonly snapshotId: string;
  readonly name: string;
  /** The part and attempt that was to store it, and what was read then. */
  readonly part: string;
  readonly attempt: number;
  readonly facts: ReadFacts;
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
interface CopyOf { readonly snapshotId: string; readonly targetId: string; readonly node: string | null }

const copyKey = ({ snapshotId, targetId, node }: CopyOf): string => `${snapshotId}/${targetId}/${node ?? ''}`;

/** `firstPauseMs`: from the end of the snapshot to the first repair. */
export function createOpenRepairs(firstPauseMs: number): OpenRepairs {
  /** Names of snapshots that run, and of those that have repairs. */
  const names = new Map<string, string>();
  /** Of snapshots that still run. */
  const promised = new Map<string, OpenRepair[]>();
  const open = new Map<string, OpenRepair>();
  /** Targets of repairs that ended while others of their attempt are open, by its folder. */
  const ended = new Map<string, string[]>();
  let leftovers: Leftover[] = [];

  const promise = (clusterId: string, { snapshotId, part, attempt, facts, failedCopies }: PartTaken): void => {
    const name = names.get(snapshotId) ?? '';
    const repairs = failedCopies.map(({ targetId, node }): OpenRepair => ({
      clusterId, snapshotId, name, part, attempt, facts, targetId, node, failures: 0, notBefore: Infinity,
    }));
    promised.set(snapshotId, [...promised.get(snapshotId) ?? [], ...repairs]);
  };
  const begin = (snapshotId: string, now: number): void => {
    for (const repair of promised.get(snapshotId) ?? []) open.set(copyKey(repair), Object.assign(repair, { notBefore: now + firstPauseMs }));
    forget(snapshotId);
  };
  const forget = (snapshotId: string): void => {
    promised.delete(snapshotId);
    names.delete(snapshotId);
  };
  /** `lastTry` is the number of the last repair that may have left something. */
  const endTries = (repair: OpenRepair, lastTry: number): void => {
    for (let n = 1; n <= lastTry; n += 1) leftovers.push({ folder: repairFolder(repair, repair.attempt, n), targetIds: [repair.targetId] });
  };
  /**
   * The last repair's own leftovers count too, unless it stored the copy. The attempt's are swept once none of its copies is to be
   * made up for: until then they may be read from its spool.
   */
  const end = (key: string, { stored = false } = {}): void => {
    const repair = open.get(key);
    if (repair === undefined) return;
    open.delete(key);
    endTries(repair, stored ? repair.failures : repair.failures + 1);
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

  return {
    apply(clusterId, event, { now }) {
      switch (event.type) {
        case 'SnapshotRequested':
          names.set(event.data.snapshotId, event.data.name);
          break;
        case 'SnapshotPartTaken':
          promise(clusterId, event.data);
          break;
        case 'SnapshotTaken':
          begin(event.data.snapshotId, now);
          break;
        case 'SnapshotFailed':
          forget(event.data.snapshotId);
          break;
        case 'SnapshotCopyStored':
          end(copyKey({ ...event.data.copy, snapshotId: event.data.snapshotId }), { stored: true });
          break;
        case 'SnapshotCopyFailed':
          fail(event.data, now);
          break;
        case 'SnapshotPruneRequested':
          if (event.data.reason === 'DELETED') endAll(event.data.snapshotId);
          break;
        default:
      }
    },
    due: () => [...open.values()],
    takeLeftovers() {
      const taken = leftovers;
      leftovers = [];
      return taken;
    },
  };
}
