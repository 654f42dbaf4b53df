// The folder of one attempt's copy, the same on every target: no two attempts, nor two nodes that repair one copy, ever share a key.
// Only for writing and sweeping; what is stored is found by the keys that its event records.
import { anyPart } from '../../events/snapshot-part.js';

interface PartOfSnapshot {
  readonly clusterId: string;
  readonly name: string;
  readonly part: string;
}

/** `<clusterId>/<snapshot name>/[<node>/]<attempt>`, on whatever target the part feeds. */
export const copyFolder = (part: PartOfSnapshot, attempt: number): string => folderOf(part, String(attempt));

/** `…/<attempt>-repair-<n>-<node id>`: the n-th try to make up for a copy that the attempt could not store. */
export const repairFolder = (part: PartOfSnapshot, attempt: number, { n, nodeId }: { readonly n: number; readonly nodeId: string }): string =>
  folderOf(part, `${attempt}-repair-${n}-${nodeId}`);

function folderOf({ clusterId, name, part }: PartOfSnapshot, last: string): string {
  return [clusterId, name, ...(part === anyPart ? [] : [part]), last].join('/');
}
