// The keys of an S3 target: how input changes them, what is wrong with it, and the little of them that may be shown. Pure.
// How they are kept: see secret-keeping.ts.
import type { Checked } from './input-faults.js';
import { givenFault } from './input-faults.js';

/** What the vault keeps of an S3 target. */
export type S3Keys = { readonly accessKey: string; readonly secretKey: string };

interface KeysInput {
  readonly accessKey?: string | null | undefined;
  readonly secretKey?: string | null | undefined;
  readonly useIam?: boolean | null | undefined;
}

/** Undefined: the keys stay as they are; null: none from now on (IAM). */
export function keysAfter({ accessKey, secretKey, useIam }: KeysInput): S3Keys | null | undefined {
  if (typeof accessKey === 'string' && typeof secretKey === 'string') return { accessKey, secretKey };
  return useIam === true || accessKey === null ? null : undefined;
}

const HINT_LENGTH = 4;

/** The last four characters, of a key that is long enough for them not to give it away. */
export const accessKeyHint = (keys: S3Keys | null): string | null =>
  (keys !== null && keys.accessKey.length >= 2 * HINT_LENGTH ? keys.accessKey.slice(-HINT_LENGTH) : null);

/** While none are stored, null says no more than leaving out. */
export const creationKeyChecks = ({ accessKey, secretKey }: KeysInput): Checked[] =>
  keyChecks({ accessKey: accessKey ?? undefined, secretKey: secretKey ?? undefined }, false);

/** `hasKeys`: keys are stored already. */
export function keyChecks(input: KeysInput, hasKeys: boolean): Checked[] {
  const { accessKey, secretKey } = input;
  return [
    [['accessKey'], givenFault(accessKey, (key) => keyFault(key, 'access key')) ?? loneFault(accessKey, secretKey, 'secretKey')],
    [['secretKey'], givenFault(secretKey, (key) => keyFault(key, 'secret key')) ?? loneFault(secretKey, accessKey, 'accessKey')],
    [['useIam'], iamFault(input, hasKeys)],
  ];
}

/** Never repeats the key. */
function keyFault(key: string, what: string): string | null {
  if (key === '') return `the ${what} is empty: write it, or leave both keys out to use IAM`;
  return key === key.trim() && !/\p{Cc}/u.test(key) ? null : `the ${what} begins or ends with white space, or holds a line break: leave that out`;
}

function loneFault(key: string | null | undefined, other: string | null | undefined, missing: string): string | null {
  if (key === undefined || typeof other === 'string') return null;
  if (key !== null) return `keys come as a pair: give ${missing} with it, or leave both out`;
  return other === null ? null : `keys are cleared together: give ${missing} as null too, or useIam instead`;
}

function iamFault({ accessKey, secretKey, useIam }: KeysInput, hasKeys: boolean): string | null {
  const givesKeys = typeof accessKey === 'string' || typeof secretKey === 'string';
  if (useIam === true) return givesKeys ? 'IAM and keys contradict each other: give one of them' : null;
  const hasNone = accessKey === null || !hasKeys;
  return useIam === false && !givesKeys && hasNone ? 'without IAM there are no keys to use: give accessKey and secretKey' : null;
}
