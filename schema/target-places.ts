// Keeps the places of targets apart: copies of two targets never lie in one directory tree, nor below one prefix of a bucket.
// Retired targets are not listed, and not weighed.
import type { LocalTargetRow, S3TargetRow, TargetRow } from '../projections/read-model.js';
import { isShown } from './mutation-answer.js';
import type { RequestContext } from './request-context.js';

type Context = Pick<RequestContext, 'api'>;

export async function sharedPathFault({ targetId, path }: Pick<LocalTargetRow, 'targetId' | 'path'>, context: Context): Promise<string | null> {
  const other = (await otherTargets(targetId, context)).find((target) => target.kind === 'LOCAL' && overlaps(`${target.path}/`, `${path}/`));
  return other === undefined ? null : `the path is that of target ${other.targetId}, lies inside it or around it: choose a directory apart from it`;
}

export type BucketPlace = Pick<S3TargetRow, 'targetId' | 'bucket' | 'folder' | 'endpoint'>;

export async function sharedBucketFault(place: BucketPlace, context: Context): Promise<string | null> {
  const other = (await otherTargets(place.targetId, context)).find((target) => target.kind === 'S3'
    && target.bucket === place.bucket && storeOf(target) === storeOf(place) && overlaps(target.folder, place.folder));
  return other === undefined ? null
    : `the bucket's folder is that of target ${other.targetId}, lies inside it or around it: choose a folder or bucket apart from it`;
}

async function otherTargets(targetId: string, { api }: Context): Promise<readonly TargetRow[]> {
  const head = await api.store.head();
  if (head !== null) await isShown(head, { api });
  return (await api.readStore.targets()).filter((target) => target.targetId !== targetId);
}

const overlaps = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one);

/** One store, however its endpoint is written: AWS has one bucket of a name. */
function storeOf({ endpoint }: Pick<S3TargetRow, 'endpoint'>): string {
  const host = endpoint === null ? 'amazonaws.com' : new URL(endpoint).host;
  return /(?:^|\.)amazonaws\.com$/.test(host) ? 'AWS' : host;
}
