// What the parts of a snapshot mean for its copies: which copy is a node's own, and which part feeds the targets that belong to no node.
// Not when a part may be claimed, nor how it ends: those are the ledger's rules.
import type { Part } from './cluster-events.js';
import { localTargetId } from './target-events.js';

/** The part that any worker may read, of a cluster without agents. No node has this name. */
export const anyPart = 'any';

/** The node whose own copy it is; null for a copy that is tied to no node, though a node's part may feed it. */
export const nodeOfCopy = (part: string, targetId: string): string | null => (part !== anyPart && targetId === localTargetId ? part : null);

/**
 * The targets that an attempt which begins now stores on. Those of no node are named by every part, and fed by one at a time, the
 * first one claimed: `taken` are the targets that other parts feed, running or taken. A part that failed feeds nothing any more.
 */
export const fedTargetIds = ({ part, targetIds }: Part, taken: readonly string[]): readonly string[] =>
  targetIds.filter((targetId) => nodeOfCopy(part, targetId) !== null || !taken.includes(targetId));
