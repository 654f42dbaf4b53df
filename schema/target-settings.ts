// What the options of an S3 target are once an input has taken effect: left out keeps, null clears or goes back to the default.
// Whether the input may be accepted is checked in target-check.ts.
import type { S3Settings } from '../events/target-events.js';
import type { AddressRules } from './server-address.js';
import { readAddress } from './server-address.js';
import type { S3OptionsInput, UpdateS3TargetInput } from './target-input.js';

export type S3Options = Omit<S3Settings, 'accessKeyHint' | 'secretRef'>;

const defaults: S3Options = {
  region: null, endpoint: null, addressing: 'AUTO', ca: null, proxy: null, requestTimeoutSeconds: 60, checksumMode: 'AUTO',
  serverSideEncryption: 'NONE', kmsKeyId: null, storageClass: null,
};

export const endpointRules: AddressRules = {
  what: 'endpoint', scheme: 'https', elsewhere: 'bucket, folder, accessKey and secretKey have fields of their own',
};
export const proxyRules: AddressRules = { what: 'proxy', scheme: null, elsewhere: 'a proxy that asks for credentials or a path cannot be used' };

/** Of an accepted input; an endpoint or proxy that is none counts as left empty. */
export function optionsAfter(input: S3OptionsInput & Pick<UpdateS3TargetInput, 'addressing'>, before: S3Options = defaults): S3Options {
  const after = <K extends keyof S3Options>(name: K, given: S3Options[K] | null | undefined): S3Options[K] =>
    (given === undefined ? before[name] : given ?? defaults[name]);
  const serverSideEncryption = after('serverSideEncryption', input.serverSideEncryption);
  return {
    region: after('region', input.region === '' ? null : input.region),
    endpoint: after('endpoint', originOf(input.endpoint, endpointRules)),
    addressing: after('addressing', input.addressing),
    ca: after('ca', input.ca),
    proxy: after('proxy', originOf(input.proxy, proxyRules)),
    requestTimeoutSeconds: after('requestTimeoutSeconds', input.requestTimeoutSeconds),
    checksumMode: after('checksumMode', input.checksumMode),
    serverSideEncryption,
    kmsKeyId: serverSideEncryption === 'KMS' ? after('kmsKeyId', input.kmsKeyId) : null,
    storageClass: after('storageClass', input.storageClass),
  };
}

const originOf = (text: string | null | undefined, rules: AddressRules): string | null | undefined =>
  (typeof text === 'string' ? readAddress(text, rules).origin : text);
