// What can be asked of one target's stream. Not the rules: see target-decider.ts.
// The target `local` has no stream; commands on it are rejected.

export interface CreateLocalTarget { readonly type: 'CreateLocalTarget'; readonly targetId: string; readonly name: string; readonly path: string }
export interface UpdateTarget { readonly type: 'UpdateTarget'; readonly targetId: string; readonly name?: string | undefined }
/** `usedBy`: ids of the clusters whose policy names the target now. */
export interface RetireTarget { readonly type: 'RetireTarget'; readonly targetId: string; readonly usedBy: readonly string[] }

export type TargetCommand = CreateLocalTarget | UpdateTarget | RetireTarget;
