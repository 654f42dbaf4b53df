// What can be asked of one target's stream. Not the rules: see target-decider.ts.
// The target `local` has no stream; commands on it are rejected.
import type { Encoding, S3Settings } from '../../events/target-events.js';
import type { TargetState } from './target-state.js';

interface CreateTarget {
  readonly targetId: string;
  readonly name: string;
  readonly encoding: Encoding;
}
export interface CreateLocalTarget extends CreateTarget { readonly type: 'CreateLocalTarget'; readonly path: string }
/** `folder`: '' or a prefix of all keys that ends in "/". */
export interface CreateS3Target extends CreateTarget {
  readonly type: 'CreateS3Target';
  readonly bucket: string;
  readonly folder: string;
  readonly settings: S3Settings;
}
/**
 * What is left out stays. `settings`: the whole of them, of S3 targets only. `madeFrom`: the target as it was when the change was made, CONFLICT
 * where it is another by now; left out: not compared.
 */
export interface UpdateTarget {
  readonly type: 'UpdateTarget';
  readonly targetId: string;
  readonly name?: string | undefined;
  readonly encoding?: Encoding | undefined;
  readonly settings?: S3Settings | undefined;
  readonly madeFrom?: TargetState | undefined;
}
/** `usedBy`: ids of the clusters whose policy names the target now. */
export interface RetireTarget { readonly type: 'RetireTarget'; readonly targetId: string; readonly usedBy: readonly string[] }

export type TargetCommand = CreateLocalTarget | CreateS3Target | UpdateTarget | RetireTarget;
