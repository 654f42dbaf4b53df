// Ids and names of snapshots: an id leads to its cluster's stream, a name sorts by time and is safe in file names.
// Makes no ids itself: the ULID comes from the caller.

/** `<clusterId>.<ulid>` */
export const snapshotIdOf = (clusterId: string, ulid: string): string => `${clusterId}.${ulid}`;

/** The cluster whose stream holds the snapshot; null for what is no snapshot id. */
export function clusterIdOf(snapshotId: string): string | null {
  const [clusterId, ulid, more] = snapshotId.split('.');
  return clusterId && ulid && more === undefined ? clusterId : null;
}

/** `20261123T060000Z-<short id>[-<given name>]`; `at` is RFC 3339 UTC: the slot, or when it was asked for. */
export function snapshotName(at: string, ulid: string, givenName: string | null): string {
  const timestamp = `${at.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  return [timestamp, ulid.slice(-6).toLowerCase(), ...(givenName === null ? [] : [givenName])].join('-');
}
