// The folder of one attempt's copy, the same on every target: no two attempts ever share a key.
// Only for writing and sweeping; what is stored is found by the keys that its event records.

/** `<clusterId>/<snapshot name>/[<node>/]<attempt>` */
export function copyFolder(part: { clusterId: string; name: string; part: string }, attempt: number): string {
  const node = nodeOf(part.part);
  return [part.clusterId, part.name, ...(node === null ? [] : [node]), String(attempt)].join('/');
}

/** The etcd node that a part belongs to; null for the part that any worker may read. */
export function nodeOf(part: string): string | null {
  return part === 'any' ? null : part;
}
