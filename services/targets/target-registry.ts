// From a target's id to the place itself: the target `local` by configuration, all others by their stream and the vault.
// Connects to nothing: each use asks the place anew.
import type { Encoding, S3Settings } from '../../events/target-events.js';
import { localTargetId, plainEncoding } from '../../events/target-events.js';
import type { CommandHandler } from '../ledger/command-handler.js';
import type { LocalTargetState, S3TargetState } from '../ledger/target-state.js';
import { StepFailure } from '../snapshots/step-failure.js';
import type { Vault } from '../vault/vault.js';
import type { Target } from './target.js';

export interface OpenTarget {
  readonly target: Target;
  /** Of what is stored from now on. */
  readonly encoding: Encoding;
}

export interface TargetRegistry {
  /** Rejects with TARGET_RETIRED for a target that takes no more copies. */
  openForWriting(targetId: string): Promise<OpenTarget>;
  /** Also a retired target: what it holds stays readable and deletable. */
  openTarget(targetId: string): Promise<Target>;
}

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface TargetRegistryParts {
  readonly commands: Pick<CommandHandler, 'targetState'>;
  readonly vault: Pick<Vault, 'get'>;
  /** Path of the target `local`. */
  readonly localPath: string;
  readonly openLocal: (place: { readonly targetId: string; readonly root: string }) => Target;
  /** `keys` null: the credential chain of this process. */
  readonly openS3: (place: S3TargetState, keys: S3Keys | null) => Promise<Target>;
}

export function targetRegistry({ commands, vault, localPath, openLocal, openS3 }: TargetRegistryParts): TargetRegistry {
  const find = async (targetId: string): Promise<LocalTargetState | S3TargetState> => {
    if (targetId === localTargetId) return localState(localPath);
    const state = await commands.targetState(targetId);
    if (state.kind !== null) return state;
    throw new StepFailure('PREFLIGHT', 'TARGET_UNAVAILABLE', `there is no target '${targetId}'; name another in the policy`);
  };
  /** Kept while the settings are the same, so that connections and an instance's credentials are used again. */
  const buckets = new Map<string, { readonly settings: S3Settings; readonly target: Target }>();
  const openBucket = async (state: S3TargetState): Promise<Target> => {
    const known = buckets.get(state.targetId);
    if (known?.settings === state.settings) return known.target;
    const target = await openS3(state, await keysOf(state, vault));
    buckets.set(state.targetId, { settings: state.settings, target });
    return target;
  };
  const open = async (state: LocalTargetState | S3TargetState): Promise<Target> =>
    (state.kind === 'LOCAL' ? openLocal({ targetId: state.targetId, root: state.path }) : openBucket(state));
  return {
    async openForWriting(targetId) {
      const state = await find(targetId);
      if (!state.retired) return { target: await open(state), encoding: state.encoding };
      throw new StepFailure('PREFLIGHT', 'TARGET_RETIRED', `target '${targetId}' is retired and takes no more copies; name another in the policy`);
    },
    openTarget: async (targetId) => open(await find(targetId)),
  };
}

const localState = (path: string): LocalTargetState => ({
  targetId: localTargetId, name: localTargetId, kind: 'LOCAL', path, encoding: plainEncoding, retired: false,
});

async function keysOf({ targetId, settings: { secretRef } }: S3TargetState, vault: TargetRegistryParts['vault']): Promise<S3Keys | null> {
  if (secretRef === null) return null;
  const secret = await vault.get(secretRef);
  const { accessKey, secretKey } = secret ?? {};
  if (accessKey !== undefined && secretKey !== undefined) return { accessKeyId: accessKey, secretAccessKey: secretKey };
  throw new StepFailure('CREDENTIALS', 'SECRET_MISSING',
    `the vault does not hold the keys of target '${targetId}': save them again with updateS3Target`);
}
