// Encodes a stream of bytes in a thread of its own, so that neither compression nor encryption holds up the event loop.
// One thread for each stream, ended with it. What is done to the bytes there: encode-thread.ts.
import { extname } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { Encoding } from '../../events/target-events.js';
import { StepFailure, errorMessage } from '../snapshots/step-failure.js';
import type { EncodeThreadData } from './encode-thread.js';
import { isPlain, stepsOf } from './encoding.js';
import { receivePieces, sendPieces } from './piece-port.js';

/**
 * The bytes of `pieces` after the steps of the encoding, in pieces of 64 KiB, the last one smaller. Ends only if `pieces` ended.
 * Throws what `pieces` threw, the reason of `signal`, or ENCODING_FAILED. Leaving it early ends the thread, and `pieces` too as soon
 * as it is not waiting for bytes itself: what it waits for is its own to abort.
 */
export async function* encode(pieces: AsyncIterable<Uint8Array>, encoding: Encoding, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  if (isPlain(encoding)) {
    yield* pieces;
    return;
  }
  signal.throwIfAborted();
  const failures: unknown[] = [];
  const fail = (error: unknown): void => {
    failures.push(error);
    void thread.end();
  };
  const thread = startThread(encoding, (error) => fail(encodingFailure(error)));
  const onAbort = (): void => fail(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  sendPieces(thread.input, pieces).catch(fail);
  try {
    yield* receivePieces(thread.output);
  } catch (error) {
    // Whatever ended the thread is known once it has ended, and the first of it is the cause.
    await thread.end();
    throw failures.length > 0 ? failures[0] : encodingFailure(error);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await thread.end();
  }
}

interface EncodeThread {
  readonly input: MessagePort;
  readonly output: MessagePort;
  /** Once it has ended. May be called again. */
  end(): Promise<void>;
}

function startThread(encoding: Encoding, onFailure: (error: unknown) => void): EncodeThread {
  const [input, output] = [new MessageChannel(), new MessageChannel()];
  const workerData: EncodeThreadData = { encoding, steps: stepsOf(encoding), input: input.port2, output: output.port2 };
  // Compiled or not as this file is.
  const file = new URL(`./encode-thread${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(file, { workerData, transferList: [input.port2, output.port2] });
  worker.once('error', onFailure);
  return {
    input: input.port1,
    output: output.port1,
    end: async () => {
      input.port1.close();
      output.port1.close();
      await worker.terminate();
    },
  };
}

function encodingFailure(cause: unknown): StepFailure {
  const remedy = 'check the compression and the age recipients of its target, and the memory of this process';
  return new StepFailure('COMMIT', 'ENCODING_FAILED', `The copy could not be encoded: ${remedy}. (${errorMessage(cause)})`, { cause });
}
