// What an S3-compatible store, the network or the credential chain said, as a code, a sentence and a remedy: one table.
// Only looks at errors; who met them decides what becomes of the copy.
import type { FailureCode, FailureStep } from '../../events/error-codes.js';
import { StepFailure, errorCode, errorMessage, isStepFailure } from '../snapshots/step-failure.js';

/** What a message may name. `secrets` never appear in one. */
export interface FailureContext {
  readonly bucket: string;
  /** Host of the store, and of the proxy before it. */
  readonly host: string;
  readonly proxyHost: string | null;
  readonly region: string;
  readonly customCa: boolean;
  readonly ownKeys: boolean;
  readonly secrets: readonly string[];
}

export interface Explanation {
  readonly code: FailureCode;
  /** What was tried and what came of it, as a sentence. */
  readonly what: string;
  readonly remedy: string;
}

/** Of an answer or a broken connection, as far as there is any. */
interface Said {
  /** The store's own code ('NoSuchBucket'), or Node's ('ECONNREFUSED'), or the error's name. */
  readonly code: string;
  readonly status: number;
  readonly text: string;
  readonly requestId: string;
  /** Clock of the store. */
  readonly date: string | null;
  readonly bucketRegion: string | null;
}

interface Row {
  readonly code: FailureCode;
  readonly when: (said: Said, step: FailureStep) => boolean;
  readonly remedy: (context: FailureContext, said: Said) => string;
}

const named = (...codes: string[]) => {
  const all = new Set(codes);
  return ({ code }: Said): boolean => all.has(code);
};
const isUnresolved = named('ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME');
const isBroken = named(
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'TimeoutError', 'AbortError',
);
const tlsCode = new RegExp(`^(${[
  'ERR_TLS_', 'ERR_SSL_', 'CERT_', 'UNABLE_TO_', 'SELF_SIGNED_', 'DEPTH_ZERO_', 'EPROTO$', 'HOSTNAME_MISMATCH', 'INVALID_CA', 'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
].join('|')})`);
const isRefusedKey = named(
  'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'ExpiredTokenException', 'InvalidToken', 'TokenRefreshRequired',
  'InvalidClientTokenId', 'UnrecognizedClientException', 'InvalidSecurity', 'InvalidIdentityToken',
);
const isElsewhere = named(
  'PermanentRedirect', 'TemporaryRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException', 'InvalidRegion',
);
const isFull = named(
  'QuotaExceeded', 'EntityTooLarge', 'InsufficientCapacity', 'ServiceQuotaExceeded', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded',
  'StorageFull', 'TotalStorageLimitExceeded',
);
const isTooMuch = named(
  'SlowDown', 'ServiceUnavailable', 'RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'TooManyRequests', 'TooManyRequestsException',
  'RequestThrottled', 'XMinioServerNotInitialized',
);
const lockWords = /object.?lock|retention|legal.?hold|\bworm\b|governance|compliance/i;
const reached = ({ host, proxyHost }: FailureContext): string => (proxyHost === null ? host : `${host} through the proxy ${proxyHost}`);
const keysOf = ({ ownKeys }: FailureContext): string =>
  (ownKeys ? "the target's access key and secret key" : 'the credentials that this process found');

/** The first row that fits counts. */
const ROWS: readonly Row[] = [
  {
    code: 'UNREACHABLE',
    when: isUnresolved,
    remedy: ({ host, proxyHost }) => `The name ${proxyHost ?? host} does not resolve: check its spelling, and DNS where this process runs.`,
  },
  {
    code: 'UNREACHABLE',
    when: (said) => isBroken(said) || [407, 502, 504].includes(said.status),
    remedy: (context) => `Check that ${reached(context)} is up, that its address and port are right, and firewalls between.`,
  },
  {
    code: 'TLS',
    when: ({ code }) => tlsCode.test(code),
    remedy: ({ customCa }) => (customCa
      ? "Only the target's own CA is trusted: check that it signed the server's certificate, and that the name in that is the endpoint's."
      : "The authorities that Node.js brings are trusted: give the target the CA that signed the server's certificate, and check the name in it."),
  },
  {
    code: 'CREDENTIALS_MISSING',
    when: named('CredentialsProviderError', 'TokenProviderError', 'ProviderError'),
    remedy: () => 'The target has no keys of its own, so this process looked for some: AWS_ACCESS_KEY_ID, the shared AWS config files, '
      + 'a web identity (AWS_WEB_IDENTITY_TOKEN_FILE), the container (AWS_CONTAINER_CREDENTIALS_*) and the instance metadata. '
      + 'Give it a role, or the target keys.',
  },
  {
    code: 'CLOCK_SKEW',
    when: named('RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'),
    remedy: (_, { date }) => `${date === null ? '' : `The store's clock says ${date}, ours ${new Date().toUTCString()}. `}`
      + 'Set both clocks right, by NTP.',
  },
  {
    code: 'CREDENTIALS_REFUSED',
    when: (said) => said.status === 401 || isRefusedKey(said),
    remedy: (context) => `The store does not accept ${keysOf(context)}: check that they are right, not expired and not revoked.`,
  },
  {
    code: 'BUCKET_MISSING',
    when: named('NoSuchBucket'),
    remedy: ({ bucket }) => `Make the bucket '${bucket}', or check its name, account and endpoint.`,
  },
  {
    code: 'REGION_WRONG',
    when: (said) => [301, 307].includes(said.status) || isElsewhere(said),
    remedy: ({ region }, { bucketRegion }) => `The requests were for region ${region}; ${bucketRegion === null
      ? "set the target's region to the bucket's" : `set the target's region to ${bucketRegion}, or to none`}, and check its endpoint.`,
  },
  {
    code: 'BUCKET_FULL',
    when: (said) => said.status === 507 || isFull(said),
    remedy: ({ bucket }) => `Raise the quota of the bucket '${bucket}' or its store, or keep fewer snapshots.`,
  },
  {
    code: 'OBJECT_LOCKED',
    when: (said, step) => said.code === 'ObjectLocked' || (step === 'REMOVE' && said.status < 500 && lockWords.test(said.text)),
    remedy: () => 'The object lock (retention or a legal hold) keeps it: it can be removed once that ends. '
      + 'Let the lock be no longer than snapshots are kept.',
  },
  {
    code: 'SLOW_DOWN',
    when: (said) => [429, 503].includes(said.status) || isTooMuch(said),
    remedy: () => 'The store is overloaded or asks for fewer requests; it is tried again later. If it lasts, look at its load and limits.',
  },
  {
    code: 'COPY_EXISTS',
    when: ({ status }) => status === 412,
    remedy: () => 'What exists is never written over. The next attempt has a place of its own.',
  },
  {
    code: 'COPY_MISSING',
    when: ({ status, code }) => status === 404 && code !== 'NoSuchUpload',
    remedy: () => 'It is not there: someone else removed it. Use another copy.',
  },
  {
    code: 'STORE_FAILED',
    when: named('InvalidStorageClass'),
    remedy: () => "The store has no such storage class: set the target's storage class to one that it has, or to none.",
  },
  {
    // Ceph's gateway says no more of a storage class that it does not have.
    code: 'STORE_FAILED',
    when: ({ code }, step) => code === 'InvalidArgument' && (step === 'PREFLIGHT' || step === 'COMMIT'),
    remedy: () => "The store does not take what the target asks for: check the target's storage class and encryption against what the store has.",
  },
  {
    code: 'ACCESS_DENIED',
    when: named('InvalidObjectState'),
    remedy: () => 'The object is in an archive class of storage: restore it there first.',
  },
  {
    code: 'ACCESS_DENIED',
    when: ({ code }) => code.startsWith('KMS.'),
    remedy: () => "Check that the target's KMS key exists and is enabled, and that these credentials may use it.",
  },
  {
    code: 'ACCESS_DENIED',
    when: ({ status }) => status === 403,
    remedy: (context) => `Allow it to ${keysOf(context)}, in the bucket's policy and the account's.`,
  },
];

const OTHER: Omit<Row, 'when'> = {
  code: 'STORE_FAILED',
  remedy: () => 'It is tried again later. If it lasts, ask whoever runs the store, with the id of the request.',
};

/** `doing`: what was tried, as a noun phrase: 'Storing s3://b/k'. A failure that is one already stays as it is. */
export function bucketFailure(step: FailureStep, doing: string, error: unknown, context: FailureContext): StepFailure {
  if (isStepFailure(error)) return error;
  const { code, what, remedy } = explainBucketError(step, doing, error, context);
  return new StepFailure(step, code, `${what} ${remedy}`, { cause: redactedError(error, context.secrets) });
}

export function explainBucketError(step: FailureStep, doing: string, error: unknown, context: FailureContext): Explanation {
  const said = whatWasSaid(error);
  const { code, remedy } = ROWS.find(({ when }) => when(said, step)) ?? OTHER;
  const answer = said.status > 0
    ? `${context.host} answered ${said.code} (HTTP ${said.status}${said.requestId === '' ? '' : `, request ${said.requestId}`})`
    : said.code;
  const text = said.text === '' || said.text === said.code ? '' : `: ${said.text.replace(/\.+$/, '')}`;
  return { code, what: redacted(`${doing} failed: ${answer}${text}.`, context.secrets), remedy: redacted(remedy(context, said), context.secrets) };
}

/** The status of an answer; 0 where there was none. */
export const statusOf = (error: unknown): number => numberAt(field(error, '$metadata'), 'httpStatusCode');

/** A header of an answer, by its name in small letters. */
export const headerOf = (error: unknown, name: string): string | null => textAt(field(field(error, '$response'), 'headers'), name) || null;

function whatWasSaid(error: unknown): Said {
  const nested: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const text = errorMessage(nested);
  return {
    code: saidCode(error, nested),
    status: statusOf(error),
    text: text === 'UnknownError' ? '' : text,
    requestId: textAt(field(error, '$metadata'), 'requestId'),
    date: textAt(error, 'ServerTime') || headerOf(error, 'date'),
    bucketRegion: headerOf(error, 'x-amz-bucket-region') ?? (textAt(error, 'Region') || null),
  };
}

function saidCode(error: unknown, nested: unknown): string {
  const name = textAt(error, 'name');
  const code = statusOf(error) > 0 ? textAt(error, 'Code') : errorCode(error) || errorCode(nested);
  return code || (name === 'Error' ? '' : name) || 'an error';
}

function redacted(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret !== '').reduce((left, secret) => left.replaceAll(secret, '…'), text);
}

/** A log prints causes with their stacks, and some stores repeat the key that they were sent. Nothing else of the SDK's error is kept. */
function redactedError(error: unknown, secrets: readonly string[]): Error {
  const message = redacted(errorMessage(error), secrets);
  return Object.assign(new Error(message), { name: textAt(error, 'name') || 'Error', stack: redacted(textAt(error, 'stack') || message, secrets) });
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textAt(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === 'string' ? found : '';
}

function numberAt(value: unknown, name: string): number {
  const found = field(value, name);
  return typeof found === 'number' ? found : 0;
}
