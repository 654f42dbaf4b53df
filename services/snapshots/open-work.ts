// The worker's table of open work, folded from the log: parts to read, intents to carry out, attempts whose leftovers to sweep.
// Decides nothing: each item is decided again on its stream. Instants are of the worker's own monotonic clock, in ms.
import type { ClusterEvent, ClusterEventOf } from '../../events/cluster-events.js';
import { copyFolder } from './copy-folder.js';
import { type Handlers, type Seen, applyEvent } from './seen-events.js';

export interface OpenPart {
  readonly clusterId: string;
  readonly snapshotId: string;
  readonly name: string;
  readonly part: string;
  /** That it may feed: what an attempt does feed is decided by its claim. */
  readonly targetIds: readonly string[];
  /** Of the latest attempt; 0 before the first. */
  attempt: number;
  /** Whose claim stands; null where none does. */
  claimedBy: string | null;
  leaseMs: number;
  /** Revision of the latest attempt's latest sign of life, and when this worker first saw it. */
  sign: { revision: number; seenAt: number };
  /** Endpoints that this process's attempts were sent to, with repetitions. */
  readonly tried: string[];
  /** Not to be claimed before. */
  notBefore: number;
  /** Since when no older snapshot of the cluster is open; Infinity while one is. */
  openSince: number;
}

export interface OpenPrune {
  readonly clusterId: string;
  readonly intent: ClusterEventOf<'SnapshotPruneRequested'>['data'];
  failures: number;
  /** Not to be tried before. */
  notBefore: number;
}

/** An attempt that ended without anything stored under its keys, on the targets that it may have written to. */
export interface Leftover {
  readonly folder: string;
  readonly targetIds: readonly string[];
}

export interface OpenWork {
  apply(clusterId: string, event: ClusterEvent, seen: Seen): void;
  /** At most one part a snapshot and node, of the oldest open snapshot of each cluster. */
  parts(): readonly OpenPart[];
  prunes(): readonly OpenPrune[];
  /** Hands out what is to be swept, once. */
  takeLeftovers(): readonly Leftover[];
}

const copyKey = (copy: { snapshotId: string; targetId: string; node: string | null }): string =>
  `${copy.snapshotId}/${copy.targetId}/${copy.node ?? ''}`;

export function createOpenWork(): OpenWork {
  /** Clusters by id; a cluster's snapshots, then their parts, in the order of their requests. */
  const clusters = new Map<string, Map<string, Map<string, OpenPart>>>();
  const prunes = new Map<string, OpenPrune>();
  let leftovers: Leftover[] = [];

  const find = (clusterId: string, data: { snapshotId: string; part: string }): OpenPart | undefined =>
    clusters.get(clusterId)?.get(data.snapshotId)?.get(data.part);
  const leave = (part: OpenPart): void => {
    if (part.attempt > 0) leftovers.push({ folder: copyFolder(part, part.attempt), targetIds: part.targetIds });
  };
  /** The parts of the cluster's oldest open snapshot. */
  const oldest = (clusterId: string): readonly OpenPart[] => [...clusters.get(clusterId)?.values().next().value?.values() ?? []];
  const open = (clusterId: string, now: number): void => {
    for (const part of oldest(clusterId)) part.openSince = Math.min(part.openSince, now);
  };
  const close = (clusterId: string, snapshotId: string, now: number): void => {
    for (const part of clusters.get(clusterId)?.get(snapshotId)?.values() ?? []) leave(part);
    clusters.get(clusterId)?.delete(snapshotId);
    if (clusters.get(clusterId)?.size === 0) clusters.delete(clusterId);
    open(clusterId, now);
  };

  const request = (clusterId: string, data: ClusterEventOf<'SnapshotRequested'>['data'], now: number): void => {
    const parts = data.parts.map(({ part, targetIds }): [string, OpenPart] => [part, {
      clusterId, snapshotId: data.snapshotId, name: data.name, part, targetIds,
      attempt: 0, claimedBy: null, leaseMs: 0, sign: { revision: -1, seenAt: 0 }, tried: [], notBefore: 0, openSince: Infinity,
    }]);
    const snapshots = clusters.get(clusterId) ?? new Map<string, Map<string, OpenPart>>();
    clusters.set(clusterId, snapshots.set(data.snapshotId, new Map(parts)));
    open(clusterId, now);
  };
  const start = (part: OpenPart | undefined, data: ClusterEventOf<'SnapshotStarted'>['data'], sign: OpenPart['sign']): void => {
    if (!part) return;
    if (part.claimedBy !== null) leave(part);
    Object.assign(part, { attempt: data.attempt, claimedBy: data.worker, leaseMs: data.leaseMs, sign });
  };
  const failPart = (part: OpenPart | undefined, data: ClusterEventOf<'SnapshotPartFailed'>['data'], now: number): void => {
    if (!part) return;
    leave(part);
    if (data.retryAfterMs === null) clusters.get(part.clusterId)?.get(part.snapshotId)?.delete(part.part);
    else Object.assign(part, { claimedBy: null, notBefore: now + data.retryAfterMs });
  };

  const on: Handlers = {
    SnapshotRequested: (clusterId, data, { now }) => request(clusterId, data, now),
    SnapshotStarted: (clusterId, data, { revision, now }) => start(find(clusterId, data), data, { revision, seenAt: now }),
    SnapshotProgressed: (clusterId, data, { revision, now }) => {
      const part = find(clusterId, data);
      if (part) part.sign = { revision, seenAt: now };
    },
    SnapshotPartFailed: (clusterId, data, { now }) => failPart(find(clusterId, data), data, now),
    SnapshotPartTaken: (clusterId, { snapshotId, part }) => {
      clusters.get(clusterId)?.get(snapshotId)?.delete(part);
    },
    SnapshotTaken: (clusterId, { snapshotId }, { now }) => close(clusterId, snapshotId, now),
    SnapshotFailed: (clusterId, { snapshotId }, { now }) => close(clusterId, snapshotId, now),
    SnapshotPruneRequested: (clusterId, intent) => {
      prunes.set(copyKey(intent), { clusterId, intent, failures: 0, notBefore: 0 });
    },
    SnapshotPruneFailed: (_, data, { now }) => {
      const prune = prunes.get(copyKey(data));
      if (prune) Object.assign(prune, { failures: prune.failures + 1, notBefore: now + data.retryAfterMs });
    },
    SnapshotPruned: (_, data) => {
      prunes.delete(copyKey(data));
    },
  };

  return {
    apply: (clusterId, event, seen) => applyEvent(on, clusterId, event, seen),
    parts: () => [...clusters.keys()].flatMap(oldest),
    prunes: () => [...prunes.values()],
    takeLeftovers() {
      const taken = leftovers;
      leftovers = [];
      return taken;
    },
  };
}
