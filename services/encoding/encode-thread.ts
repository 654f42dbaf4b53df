// The thread that encodes one copy: takes bytes from one port, gives them encoded to another, and stays until it is ended from outside.
// Whatever fails here ends the thread with that error. Node runs this file as it is too, types stripped: imports end in .ts.
import { pipeline } from 'node:stream/promises';
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { constants, createZstdCompress } from 'node:zlib';
import type { Encoding, EncodingStep } from '../../events/target-events.ts';
import { receivePieces, sendPieces } from './piece-port.ts';

export interface EncodeThreadData {
  readonly encoding: Encoding;
  readonly steps: readonly EncodingStep[];
  readonly input: MessagePort;
  readonly output: MessagePort;
}

type Encoder = (pieces: AsyncIterable<Uint8Array>, encoding: Encoding) => AsyncIterable<Uint8Array>;

const OUTPUT_BYTES = 64 * 1024;

async function* compressed(pieces: AsyncIterable<Uint8Array>, { compressionLevel }: Encoding): AsyncGenerator<Uint8Array> {
  const params = { [constants.ZSTD_c_compressionLevel]: compressionLevel, [constants.ZSTD_c_checksumFlag]: 1 };
  const zstd = createZstdCompress({ chunkSize: OUTPUT_BYTES, params });
  const fed = pipeline(pieces, zstd);
  yield* zstd;
  await fed;
}

async function* encrypted(pieces: AsyncIterable<Uint8Array>, { ageRecipients }: Encoding): AsyncGenerator<Uint8Array> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of ageRecipients) encrypter.addRecipient(recipient);
  yield* await encrypter.encrypt(ReadableStream.from(pieces));
}

const encoders: Readonly<Record<EncodingStep, Encoder>> = { zstd: compressed, age: encrypted };

const { encoding, steps, input, output } = workerData as EncodeThreadData;
await sendPieces(output, steps.reduce((pieces, step) => encoders[step](pieces, encoding), receivePieces(input) as AsyncIterable<Uint8Array>));
