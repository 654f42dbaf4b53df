// Which open work a worker can do from where it stands: a node's part and copies are for that node's agent, what lies on a disk for
// whoever has that disk. Not when it is due: see worker.ts.
import { anyPart } from '../../events/snapshot-part.js';
import type { OpenRepair } from './open-repairs.js';
import type { OpenPart, OpenPrune } from './open-work.js';

/** The etcd node that a worker serves: it reads that member, at this endpoint, and stores on that disk. */
export interface NodeAgent {
  readonly clusterId: string;
  /** The member's name. */
  readonly node: string;
  readonly endpoint: string;
}

export interface WorkerPlace {
  readonly worker: string;
  /** Of the disk that it reaches. */
  readonly nodeId: string;
  /** Null for a worker that serves no node. */
  readonly agent: NodeAgent | null;
}

interface OnNode { readonly clusterId: string; readonly node: string }

/** Names of nodes are unique within their cluster only. */
export const isAgentOf = ({ agent }: WorkerPlace, { clusterId, node }: OnNode): boolean =>
  agent !== null && agent.clusterId === clusterId && agent.node === node;

export const isOwnPart = (here: WorkerPlace, { clusterId, part }: OpenPart): boolean => isAgentOf(here, { clusterId, node: part });

/** Whether only the node's agent may read it. */
export const isNodePart = ({ part }: OpenPart): boolean => part !== anyPart;

export function canPrune(here: WorkerPlace, { clusterId, intent: { storedOn, node } }: OpenPrune): boolean {
  return storedOn === null || (storedOn === here.nodeId && (node === null || !isLikeNamed(here, clusterId)));
}

/** What lies on a node's disk is not on that of a node of the same name in another cluster. */
const isLikeNamed = ({ agent }: WorkerPlace, clusterId: string): boolean => agent !== null && agent.clusterId !== clusterId;

/** How long others leave a repair to the worker that read it, which has the spool. */
export const repairTakeOverMs = 600_000;

/** Beyond the pause before the repair: none for whoever is to make it first; null where it cannot be made here. */
export function repairWaitMs(here: WorkerPlace, { clusterId, node, part, readBy, storedOn }: OpenRepair): number | null {
  if (node !== null) return isAgentOf(here, { clusterId, node }) ? 0 : null;
  if (readBy === here.worker) return 0;
  const hasDisk = part === anyPart || !isLikeNamed(here, clusterId);
  return storedOn.some((on) => on === null || (on === here.nodeId && hasDisk)) ? repairTakeOverMs : null;
}
