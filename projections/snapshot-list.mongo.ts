// Filters of the snapshot list for MongoDB. States and kinds are always named, so that an index on them still gives the list's order:
// the server merges one range for each pair. Not the asking.
import type { Filter } from 'mongodb';
import type { SnapshotDocument } from './read-generation.mongo.js';
import { snapshotKinds, snapshotStates } from './read-model.js';
import type { SnapshotFilter } from './read-store.js';

export type ListFilter = Filter<SnapshotDocument>;

export function listFilter(clusterId: string, { states, kinds, targetId, takenAfter, takenBefore }: SnapshotFilter): ListFilter {
  const taken = { ...(takenAfter === undefined ? {} : { $gte: takenAfter }), ...(takenBefore === undefined ? {} : { $lt: takenBefore }) };
  return {
    'row.clusterId': clusterId,
    ...(targetId === undefined ? {} : { 'row.copies.targetId': targetId }),
    'row.state': { $in: [...new Set(states ?? snapshotStates)] },
    'row.kind': { $in: [...new Set(kinds ?? snapshotKinds)] },
    ...(Object.keys(taken).length === 0 ? {} : { 'row.takenAt': taken }),
  };
}
