// The keys of a bucket that belong to one copy or to the target at all. Computes and checks names; asks nobody.
// Which of them exist is in bucket-objects.s3.ts.
import type { FailureStep } from '../../events/error-codes.js';
import type { EncodingStep } from '../../events/target-events.js';
import { encodedName } from '../encoding/encoding.js';
import { StepFailure } from '../snapshots/step-failure.js';
import { DATABASE_NAME, MANIFEST_NAME, copyNames } from './manifest.js';
import { assertKey } from './target-paths.js';
import type { CopyPlace } from './target.js';

/** Of the whole key, in UTF-8; what S3 allows. */
const LONGEST_KEY = 1024;

export interface CopyKeys {
  readonly manifest: string;
  /** Of the database as this encoding names it. */
  readonly database: string;
  readonly databaseName: string;
}

export function copyKeys(folder: string, place: CopyPlace, encoding: readonly EncodingStep[], step: FailureStep): CopyKeys {
  assertKey(place.folder, step);
  const databaseName = encodedName(DATABASE_NAME, encoding);
  const prefix = placePrefix(folder, place);
  assertTargetKey(folder, `${prefix}${databaseName}`, step);
  return { manifest: `${prefix}${MANIFEST_NAME}`, database: `${prefix}${databaseName}`, databaseName };
}

export const placePrefix = (folder: string, place: CopyPlace): string => `${folder}${place.folder}/`;

/** Every key that a copy at this place may have, the manifest first. */
export function allKeysAt(folder: string, place: CopyPlace, step: FailureStep): readonly string[] {
  assertKey(place.folder, step);
  const keys = copyNames.map((name) => `${placePrefix(folder, place)}${name}`);
  for (const key of keys) assertTargetKey(folder, key, step);
  return keys;
}

/** Fails for a key that is not below the target's folder, or that no copy can have. */
export function assertTargetKey(folder: string, key: string, step: FailureStep): void {
  if (!key.startsWith(folder)) {
    throw new StepFailure(step, 'KEY_INVALID', `The key '${key}' is outside of the target's folder '${folder}'. Nothing was done with it.`);
  }
  assertKey(key.slice(folder.length), step);
  if (Buffer.byteLength(key) > LONGEST_KEY) {
    const message = `The key '${key}' is longer than the ${LONGEST_KEY} bytes that S3 allows. Use a shorter folder or name.`;
    throw new StepFailure(step, 'KEY_INVALID', message);
  }
}

/** Manifests before everything else. */
export function manifestsFirst(a: { readonly key: string }, b: { readonly key: string }): number {
  return Number(b.key.endsWith(`/${MANIFEST_NAME}`)) - Number(a.key.endsWith(`/${MANIFEST_NAME}`));
}
