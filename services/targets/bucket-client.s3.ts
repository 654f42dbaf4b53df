// How one target's bucket is spoken to: the SDK's client with the target's own TLS trust, proxy, timeouts, region and credentials.
// Nothing here is global, nothing is opened before the first request, and no idle connection holds the process.
import { GetBucketLocationCommand, HeadBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { PutObjectCommandInput, S3ClientConfig, StorageClass } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { ProxyAgent } from 'proxy-agent';
import type { FailureStep } from '../../events/error-codes.js';
import type { S3Settings } from '../../events/target-events.js';
import { errorCode, errorMessage } from '../snapshots/step-failure.js';
import type { StepFailure } from '../snapshots/step-failure.js';
import { bucketFailure, headerOf, statusOf } from './bucket-failure.s3.js';
import type { FailureContext } from './bucket-failure.s3.js';

export interface BucketOptions {
  readonly bucket: string;
  /** '' or a prefix that ends in "/"; no other keys are asked for. */
  readonly folder: string;
  readonly settings: S3Settings;
  /** Null: the SDK's default chain of the process. */
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  /** Breaks off whatever is asked of the store, for a process that ends; left out: never. */
  readonly ending?: AbortSignal;
}

export interface Bucket {
  readonly name: string;
  readonly folder: string;
  readonly settings: S3Settings;
  client(): S3Client;
  /** A client like it that sends nothing more after the signal, which breaks off parts too. Opens no connections of its own. */
  clientEndedBy(signal: AbortSignal): S3Client;
  /** With the same trust and proxy, and no connections yet; for the caller to destroy. */
  newAgent(): HttpAgent;
  /** Asked of the store at first if the settings have none; us-east-1 if it does not say. */
  region(): Promise<string>;
  /** Requests as one step: `doing` is a noun phrase for people. Rejects with a StepFailure. */
  attempt<T>(step: FailureStep, doing: string, requests: () => Promise<T>): Promise<T>;
  /** The error of such a step, explained. */
  failure(step: FailureStep, doing: string, error: unknown): Promise<StepFailure>;
  context(): FailureContext;
  /** Where `HEAD` was refused: the same reason from an answer that has a body; else the error itself. */
  reason(error: unknown): Promise<unknown>;
}

const MAX_ATTEMPTS = 3;
const CONNECT_WITHIN_MS = 10_000;
export const DEFAULT_REGION = 'us-east-1';

export function openBucket(options: BucketOptions): Bucket {
  const { bucket: name, folder, settings, keys, ending = new AbortController().signal } = options;
  const handler = once(() => handlerFor(settings, agentFor(settings)));
  let known = settings.region;
  let asked: Promise<string> | null = null;
  const config = (): S3ClientConfig => ({
    ...clientConfig(options), requestHandler: requestsOver(handler(), { ending, ended: ending }), region,
  });
  const region = async (): Promise<string> => {
    if (known !== null) return known;
    asked ??= discoverRegion(new S3Client({ ...config(), region: DEFAULT_REGION }), name);
    try {
      known = await asked;
    } finally {
      asked = null;
    }
    return known;
  };
  const client = once(() => new S3Client(config()));
  const context = (): FailureContext => ({
    bucket: name,
    host: settings.endpoint === null ? 'AWS S3' : new URL(settings.endpoint).host,
    proxyHost: settings.proxy === null ? null : new URL(settings.proxy).host,
    region: known ?? DEFAULT_REGION,
    customCa: settings.ca !== null,
    ownKeys: keys !== null,
    secrets: [...(keys === null ? [] : [keys.secretAccessKey, keys.accessKeyId]), ...proxySecrets(settings.proxy)],
  });
  const reason = async (error: unknown): Promise<unknown> => {
    if (!isSilentRefusal(error)) return error;
    const answer = client().send(new ListObjectsV2Command({ Bucket: name, Prefix: folder, MaxKeys: 1 }));
    return answer.then(() => error, (spoken: unknown) => (statusOf(error) === 404 && !isNamed(spoken, 'NoSuchBucket') ? error : spoken));
  };
  const failure = async (step: FailureStep, doing: string, error: unknown): Promise<StepFailure> =>
    bucketFailure(step, doing, await reason(error), context());
  return {
    name, folder, settings, client, region, context, reason, failure,
    newAgent: () => agentFor(settings),
    clientEndedBy: (signal) => {
      const { credentials } = client().config;
      const ended = AbortSignal.any([ending, signal]);
      return new S3Client({ ...config(), credentials, requestHandler: requestsOver(handler(), { ending, ended }) });
    },
    attempt: async (step, doing, requests) => {
      try {
        return await requests();
      } catch (error) {
        throw await failure(step, doing, error);
      }
    },
  };
}

/** What every object of the target is stored with. */
export function encryptionOf({ serverSideEncryption, kmsKeyId }: S3Settings): Partial<PutObjectCommandInput> {
  if (serverSideEncryption === 'NONE') return {};
  if (serverSideEncryption === 'S3') return { ServerSideEncryption: 'AES256' };
  return { ServerSideEncryption: 'aws:kms', ...(kmsKeyId === null ? {} : { SSEKMSKeyId: kmsKeyId }) };
}

/** Of the database alone: the manifest stays where it can be read at once, also where the database is archived. */
export function storageOf({ storageClass }: S3Settings): { readonly StorageClass?: StorageClass } {
  return storageClass === null ? {} : { StorageClass: storageClass as StorageClass };
}

export function usesPathStyle(bucket: string, { addressing, endpoint }: S3Settings): boolean {
  return addressing === 'PATH' || (addressing === 'AUTO' && (endpoint !== null || bucket.includes('.')));
}

function clientConfig({ bucket, settings, keys }: BucketOptions): S3ClientConfig {
  const { endpoint, checksumMode } = settings;
  const always = checksumMode === 'ALWAYS' || (checksumMode === 'AUTO' && endpoint === null);
  return {
    ...(endpoint === null ? {} : { endpoint }),
    ...(keys === null ? {} : { credentials: keys }),
    forcePathStyle: usesPathStyle(bucket, settings),
    requestChecksumCalculation: always ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    responseChecksumValidation: always ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    // Not every store answers it, and the SDK does not wait for the answer with an agent of one's own.
    expectContinueHeader: false,
    retryMode: 'standard',
    maxAttempts: MAX_ATTEMPTS,
  };
}

function agentFor({ proxy, ca, endpoint }: S3Settings): HttpAgent {
  const plain = endpoint?.startsWith('http:') === true;
  const trust = { keepAlive: true, ...(ca === null ? {} : { ca }) };
  // proxy-agent 8 sends a relative path where it uses a connection for http again: there each request has its own.
  if (proxy !== null) return new ProxyAgent({ ...trust, keepAlive: !plain, getProxyForUrl: () => proxy });
  return plain ? new HttpAgent(trust) : new HttpsAgent(trust);
}

function handlerFor({ requestTimeoutSeconds }: S3Settings, agent: HttpAgent): NodeHttpHandler {
  const requestTimeout = requestTimeoutSeconds * 1000;
  return new NodeHttpHandler({
    httpAgent: agent, httpsAgent: agent, requestTimeout, throwOnRequestTimeout: true, socketTimeout: requestTimeout,
    connectionTimeout: Math.min(requestTimeout, CONNECT_WITHIN_MS),
  });
}

type RequestHandler = Pick<NodeHttpHandler, 'handle' | 'metadata' | 'destroy' | 'updateHttpClientConfig' | 'httpHandlerConfigs'>;

interface RequestsEnd {
  /** Breaks off every request. */
  readonly ending: AbortSignal;
  /** Nothing more is sent, and parts are broken off. Any other request may still take effect then, unseen by whoever clears up after it. */
  readonly ended: AbortSignal;
}

/** Over the same connections. What broke one is a plain error with Node's code, also where several addresses were tried. */
function requestsOver(handler: NodeHttpHandler, { ending, ended }: RequestsEnd): RequestHandler {
  return {
    metadata: handler.metadata,
    handle: async (request, options) => {
      try {
        const own = ended.aborted || 'partNumber' in request.query ? ended : ending;
        const asked = options?.abortSignal as AbortSignal | undefined;
        return await handler.handle(request, { ...options, abortSignal: asked === undefined ? own : AbortSignal.any([own, asked]) });
      } catch (error) {
        throw connectionError(error);
      }
    },
    destroy: () => undefined,
    updateHttpClientConfig: (key, value) => handler.updateHttpClientConfig(key, value),
    httpHandlerConfigs: () => handler.httpHandlerConfigs(),
  };
}

function connectionError(error: unknown): Error {
  const first = error instanceof AggregateError ? error.errors[0] as unknown : error;
  const name = typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : 'Error';
  const code = errorCode(error) || errorCode(first);
  return Object.assign(new Error(errorMessage(first), { cause: error }), { name, ...(code === '' ? {} : { code }) });
}

/** Asked with the usual region, which every store answers, if only by saying where else to ask. */
async function discoverRegion(client: S3Client, bucket: string): Promise<string> {
  try {
    const { BucketRegion } = await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return BucketRegion ?? DEFAULT_REGION;
  } catch (error) {
    const elsewhere = headerOf(error, 'x-amz-bucket-region');
    if (elsewhere !== null) return elsewhere;
    if (saysNothing(error)) throw error;
  }
  try {
    const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket: bucket }));
    return (LocationConstraint as string | undefined) === 'EU' ? 'eu-west-1' : LocationConstraint ?? DEFAULT_REGION;
  } catch (error) {
    if (saysNothing(error)) throw error;
    return DEFAULT_REGION;
  }
}

/** No answer, or that of a store that is overloaded or broken: another time it says where the bucket is. 501 is an answer. */
function saysNothing(error: unknown): boolean {
  const status = statusOf(error);
  return status === 0 || status === 429 || (status >= 500 && status !== 501);
}

/** The answer to a HEAD has no body that would tell a wrong key from a forbidden one, or a missing bucket from a missing object. */
function isSilentRefusal(error: unknown): boolean {
  const status = statusOf(error);
  return [400, 403, 404].includes(status) && isNamed(error, 'NotFound', 'Forbidden', 'BadRequest', 'Unknown', 'UnknownError', String(status));
}

function isNamed(error: unknown, ...names: string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

function proxySecrets(proxy: string | null): string[] {
  if (proxy === null) return [];
  const { password } = new URL(proxy);
  return [password, decodeURIComponent(password)];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
