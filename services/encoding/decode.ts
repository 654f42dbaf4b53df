import type { EncodingStep } from '../../events/target-events.js';

export function decode(pieces: AsyncIterable<Uint8Array>, _steps: readonly EncodingStep[]): AsyncIterable<Uint8Array> {
  return pieces;
}
