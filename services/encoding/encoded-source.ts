// A source of copies whose bytes are encoded as a target wants them. What is encoded is compared with what was verified, since nobody
// can tell later from the encoded bytes.
import { createHash } from 'node:crypto';
import type { Encoding, EncodingStep } from '../../events/target-events.js';
import type { CopySource } from '../targets/copy-source.js';
import { StepFailure } from '../snapshots/step-failure.js';
import { encode } from './encode.js';
import { isPlain, stepsOf } from './encoding.js';

/** The source itself where the encoding is plain. Each `read` encodes anew, with another key of age's. */
export function encodedSource(source: CopySource, encoding: Encoding): CopySource {
  if (isPlain(encoding)) return source;
  const steps = stepsOf(encoding);
  return {
    expectedSize: steps.reduce((size, step) => atMost[step](size, encoding), source.expectedSize),
    encoding: [...source.encoding, ...steps],
    file: null,
    read: (signal) => readEncoded(source, encoding, signal),
    verified: () => source.verified(),
  };
}

// A source may wait for bytes that are long in coming when its reader leaves: then it is aborted.
async function* readEncoded(source: CopySource, encoding: Encoding, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const left = new AbortController();
  try {
    yield* encode(verifiedPieces(source, AbortSignal.any([signal, left.signal])), encoding, signal);
  } finally {
    left.abort();
  }
}

/** Ends with an error where the bytes, read once more, are not those that were verified. */
async function* verifiedPieces(source: CopySource, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const hash = createHash('sha256');
  for await (const piece of source.read(signal)) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') === (await source.verified()).sha256) return;
  throw new StepFailure('COMMIT', 'HASH_MISMATCH', 'What was read to be encoded is not what was verified: check this machine\'s disk and memory.');
}

const atMost: Readonly<Record<EncodingStep, (size: number, encoding: Encoding) => number>> = { zstd: zstdSizeAtMost, age: ageSizeOf };

const SMALL = 128 * 1024;

/** ZSTD_compressBound of zstd.h, which allows more than the headers of incompressible blocks need. */
function zstdSizeAtMost(size: number): number {
  return size + Math.floor(size / 256) + (size < SMALL ? Math.floor((SMALL - size) / 2048) : 0);
}

const AGE_CHUNK = 64 * 1024;
const AGE_TAG = 16;
const AGE_NONCE = 16;
const AGE_HEADER = 'age-encryption.org/v1\n'.length + `--- ${'m'.repeat(43)}\n`.length;
const AGE_STANZA = `-> X25519 ${'s'.repeat(43)}\n${'k'.repeat(43)}\n`.length;

/** Exact, for X25519 recipients (age-encryption.org/v1). */
function ageSizeOf(size: number, { ageRecipients }: Encoding): number {
  const chunks = Math.max(1, Math.ceil(size / AGE_CHUNK));
  return AGE_HEADER + ageRecipients.length * AGE_STANZA + AGE_NONCE + size + chunks * AGE_TAG;
}
