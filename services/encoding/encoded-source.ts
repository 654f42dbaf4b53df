import type { Encoding } from '../../events/target-events.js';
import type { CopySource } from '../targets/copy-source.js';

export function encodedSource(source: CopySource, _encoding: Encoding): CopySource {
  return source;
}
