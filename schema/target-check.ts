// Checks of the inputs of targets, and of the options of S3 in them. Pure.
// What must hold between old and new values is checked on the settings as they are to be; other targets' places: target-places.ts.
import type { Encoding } from '../events/target-events.js';
import { bucketFault, folderFault } from './bucket-place.js';
import type { Checked } from './input-faults.js';
import { boundsFault, directoryFault, givenFault, nameFault, pemFault, quoted, slugFault } from './input-faults.js';
import { readAddress } from './server-address.js';
import { encodingAfter, encodingChecks } from './target-encoding.js';
import type { CreateLocalTargetInput, CreateS3TargetInput, S3OptionsInput, UpdateLocalTargetInput, UpdateS3TargetInput } from './target-input.js';
import { creationKeyChecks, keyChecks } from './target-keys.js';
import type { S3Options } from './target-settings.js';
import { endpointRules, optionsAfter, proxyRules } from './target-settings.js';

/** What is so already, before an update. */
export interface S3Before {
  readonly bucket: string;
  readonly encoding: Encoding;
  readonly settings: S3Options & { readonly secretRef: string | null };
}

export function localCreationChecks(input: CreateLocalTargetInput): Checked[] {
  return [
    [['id'], slugFault(input.id)], [['name'], nameFault(input.name)], [['path'], directoryFault(input.path)],
    ...encodingChecks(input, encodingAfter(input)),
  ];
}

export function localUpdateChecks(input: UpdateLocalTargetInput, before: Encoding): Checked[] {
  return [[['name'], nameFault(input.name)], ...encodingChecks(input, encodingAfter(input, before))];
}

export function s3CreationChecks(input: CreateS3TargetInput): Checked[] {
  return [
    [['id'], slugFault(input.id)], [['name'], nameFault(input.name)],
    [['bucket'], bucketFault(input.bucket)], [['folder'], folderFault(input.folder)],
    ...optionChecks(input, { bucket: input.bucket, options: optionsAfter(input) }),
    ...creationKeyChecks(input),
    ...encodingChecks(input, encodingAfter(input)),
  ];
}

export function s3UpdateChecks(input: UpdateS3TargetInput, { bucket, encoding, settings }: S3Before): Checked[] {
  return [
    [['name'], nameFault(input.name)],
    ...optionChecks(input, { bucket, options: optionsAfter(input, settings) }),
    ...keyChecks(input, settings.secretRef !== null),
    ...encodingChecks(input, encodingAfter(input, encoding)),
  ];
}

type OptionsInput = S3OptionsInput & Pick<UpdateS3TargetInput, 'addressing'>;

function optionChecks(input: OptionsInput, after: { readonly bucket: string; readonly options: S3Options }): Checked[] {
  return [
    [['region'], givenFault(input.region, regionFault)],
    [['endpoint'], givenFault(input.endpoint, (text) => (text === '' ? null : readAddress(text, endpointRules).fault))],
    [['addressing'], addressingFault(after)],
    [['ca'], pemFault(input.ca, 'CERTIFICATE')],
    [['proxy'], givenFault(input.proxy, (text) => readAddress(text, proxyRules).fault)],
    [['requestTimeoutSeconds'], givenFault(input.requestTimeoutSeconds, (seconds) => boundsFault(seconds, 'requestTimeoutSeconds', 3600))],
    [['kmsKeyId'], givenFault(input.kmsKeyId, (id) => kmsKeyFault(id, after.options))],
    [['storageClass'], givenFault(input.storageClass, storageClassFault)],
  ];
}

function regionFault(region: string): string | null {
  if (region === '' || /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(region)) return null;
  return `region ${quoted(region)} is no region: write its short name, such as eu-central-1, or leave it out to have it discovered`;
}

// No certificate for *.host covers a name with more dots.
function addressingFault({ bucket, options: { addressing, endpoint } }: { readonly bucket: string; readonly options: S3Options }): string | null {
  const isTls = endpoint === null || endpoint.startsWith('https:');
  if (addressing !== 'VIRTUAL_HOST' || !bucket.includes('.') || !isTls) return null;
  return `bucket ${quoted(bucket)} has a dot in its name, and no TLS certificate covers that as a virtual host: write PATH or AUTO`;
}

function kmsKeyFault(id: string, { serverSideEncryption }: S3Options): string | null {
  if (serverSideEncryption !== 'KMS') return 'a key of KMS encrypts nothing without serverSideEncryption KMS: give both, or neither';
  if (/^[\x21-\x7e]{1,2048}$/.test(id)) return null;
  return 'the key is empty, too long or holds white space: write its id, ARN or alias, or null for the default key';
}

function storageClassFault(name: string): string | null {
  if (/^[A-Z0-9_]{1,64}$/.test(name)) return null;
  return `storage class ${quoted(name)} is none: write one of the store's, such as STANDARD_IA, or leave it out`;
}
