// What every copy's manifest says of the snapshot; the target adds what it stored.
import type { ReadFacts } from '../../events/cluster-events.js';
import type { VerifiedFile } from '../targets/copy-source.js';

export interface ManifestSubject {
  readonly clusterId: string;
  readonly snapshotId: string;
  readonly name: string;
  readonly part: string;
}

export function manifestFacts(subject: ManifestSubject, attempt: number, facts: ReadFacts, snapkeepVersion: string): VerifiedFile['manifest'] {
  const { clusterId, snapshotId, name, part } = subject;
  const { takenAt, etcdVersion, member, revision, keyCount, sha256, dbSize } = facts;
  return {
    version: 1, snapkeepVersion, clusterId, snapshotId, name, part, attempt,
    takenAt, etcdVersion, member, revision, keyCount, databaseSize: dbSize, sha256,
  };
}
