// The folder of one attempt's copy, the same on every target: no two attempts ever share a key.
// Only for writing and sweeping; what is stored is found by the keys that its event records.

interface PartOfSnapshot {
  readonly clusterId: string;
  readonly name: string;
  readonly part: string;
}

/** `<clusterId>/<snapshot name>/[<node>/]<attempt>` */
export const copyFolder = (part: PartOfSnapshot, attempt: number): string => folderOf(part, String(attempt));

/** `…/<attempt>-repair-<n>`: the n-th try to make up for a copy that the attempt could not store. */
export const repairFolder = (part: PartOfSnapshot, attempt: number, n: number): string => folderOf(part, `${attempt}-repair-${n}`);

function folderOf({ clusterId, name, part }: PartOfSnapshot, last: string): string {
  const node = nodeOf(part);
  return [clusterId, name, ...(node === null ? [] : [node]), last].join('/');
}

/** The etcd node that a part belongs to; null for the part that any worker may read. */
export function nodeOf(part: string): string | null {
  return part === 'any' ? null : part;
}
