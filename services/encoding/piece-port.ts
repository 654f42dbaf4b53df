// Carries a stream of bytes between two threads in blocks that change hands without being copied again, and holds back who sends.
// Not what is done to the bytes; an error does not travel: whoever failed closes the port.
import type { MessagePort } from 'node:worker_threads';

const BLOCK_BYTES = 64 * 1024;
/** Blocks sent and not taken yet; with the one that is being filled and the one in use this bounds the memory of a direction. */
const WINDOW = 8;

/** Resolves once all was sent, or the port was closed; `pieces` are left then. Rejects with what `pieces` threw. */
export async function sendPieces(port: MessagePort, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const changed = wakeup();
  let untaken = 0;
  let closed = false;
  port.on('message', () => {
    untaken -= 1;
    changed.notify();
  });
  port.once('close', () => {
    closed = true;
    changed.notify();
  });
  for await (const block of blocksOf(pieces)) {
    if (!closed) port.postMessage(block, [block.buffer]);
    untaken += 1;
    while (untaken >= WINDOW && !closed) await changed.next();
    if (closed) return;
  }
  port.postMessage('end');
}

/** Blocks of 64 KiB, the last one smaller. Throws if the port was closed before all had come. */
export async function* receivePieces(port: MessagePort): AsyncGenerator<Uint8Array, void, void> {
  const changed = wakeup();
  const waiting: Uint8Array[] = [];
  let ended = false;
  let closed = false;
  port.on('message', (message: Uint8Array | 'end') => {
    if (message === 'end') ended = true;
    else waiting.push(message);
    changed.notify();
  });
  port.once('close', () => {
    closed = true;
    changed.notify();
  });
  for (;;) {
    if (closed) throw new Error('the port was closed before all had come');
    const block = waiting.shift();
    if (block !== undefined) {
      port.postMessage('taken');
      yield block;
    } else if (ended) {
      return;
    } else {
      await changed.next();
    }
  }
}

// Each in memory of its own, which the port may take away; the pieces themselves may be shared or used again by their source.
async function* blocksOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer<ArrayBuffer>, void, void> {
  let block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + BLOCK_BYTES - filled);
      block.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled === BLOCK_BYTES) {
        yield block;
        block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

function wakeup(): { notify(): void; next(): Promise<void> } {
  let waiter = Promise.withResolvers<void>();
  return {
    notify: () => waiter.resolve(),
    next: async () => {
      await waiter.promise;
      waiter = Promise.withResolvers();
    },
  };
}
