// Undoes the encoding of a stored copy as far as no key is needed: decompresses, and says how to decrypt what is encrypted.
// Off the main thread too: node:zlib decompresses in threads of its own.
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import type { EncodingStep } from '../../events/target-events.js';
import { StepFailure, errorMessage } from '../snapshots/step-failure.js';
import { encodedName } from './encoding.js';

/**
 * The bytes as they were before `steps`. Throws what `pieces` threw; COPY_ENCRYPTED before it reads anything where one of the steps
 * was age; ENCODING_FAILED for bytes that are not what zstd makes, or not all of it.
 */
export async function* decode(pieces: AsyncIterable<Uint8Array>, steps: readonly EncodingStep[]): AsyncGenerator<Uint8Array, void, void> {
  if (steps.includes('age')) throw encryptedFailure(steps);
  yield* steps.reduceRight((encoded) => decompressed(encoded), pieces);
}

async function* decompressed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const zstd = createZstdDecompress();
  let sourceFailed = false;
  async function* watched(): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* pieces;
    } catch (error) {
      sourceFailed = true;
      throw error;
    }
  }
  const fed = pipeline(watched(), zstd);
  fed.catch(() => undefined);
  try {
    yield* zstd;
    await fed;
  } catch (error) {
    throw sourceFailed ? error : damagedFailure(error);
  }
}

function encryptedFailure(steps: readonly EncodingStep[]): StepFailure {
  const decompress = steps.includes('zstd') ? ' | zstd -d' : '';
  const command = `age -d -i key.txt ${encodedName('snapshot.db', steps)}${decompress} > snapshot.db`;
  return new StepFailure('READ', 'COPY_ENCRYPTED', 'The copy is encrypted with age, and this service holds no key that decrypts it. '
    + `Fetch it and decrypt it where the private key is: ${command}`);
}

function damagedFailure(cause: unknown): StepFailure {
  return new StepFailure('READ', 'ENCODING_FAILED', 'The copy cannot be decompressed: it is damaged or cut off. Use another copy of this snapshot, '
    + `and check the store that holds this one. (${errorMessage(cause)})`, { cause });
}
