// How a target's copies are to be encoded: how input changes that, and what is wrong with it. Pure.
// What encoding does to a copy is services/encoding's matter.
import type { Encoding } from '../events/target-events.js';
import { plainEncoding } from '../events/target-events.js';
import { recipientFault } from '../services/encoding/encoding.js';
import type { Checked } from './input-faults.js';
import { boundsFault, givenFault } from './input-faults.js';
import type { EncodingInput } from './target-input.js';

/** A level belongs to its compression: without one it goes back to the default. */
export function encodingAfter(input: EncodingInput, before: Encoding = plainEncoding): Encoding {
  const compression = input.compression === undefined ? before.compression : input.compression ?? plainEncoding.compression;
  const level = input.compressionLevel === undefined ? before.compressionLevel : input.compressionLevel ?? plainEncoding.compressionLevel;
  return {
    compression,
    compressionLevel: compression === 'NONE' ? plainEncoding.compressionLevel : level,
    ageRecipients: input.ageRecipients === undefined ? before.ageRecipients : input.ageRecipients ?? plainEncoding.ageRecipients,
  };
}

const MAX_RECIPIENTS = 20;

/** `after`: the encoding as it is to be. */
export function encodingChecks({ compressionLevel, ageRecipients }: EncodingInput, after: Encoding): Checked[] {
  const recipients = ageRecipients ?? [];
  if (recipients.length > MAX_RECIPIENTS) return [[['ageRecipients'], `there are ${recipients.length} recipients: name at most ${MAX_RECIPIENTS}`]];
  return [
    [['compressionLevel'], givenFault(compressionLevel, (level) => levelFault(level, after))],
    ...recipients.map((recipient, index): Checked => [
      ['ageRecipients', String(index)],
      recipientFault(recipient) ?? (recipients.indexOf(recipient) < index ? 'this recipient is named twice: name it once' : null),
    ]),
  ];
}

function levelFault(level: number, { compression }: Encoding): string | null {
  if (compression === 'NONE') return 'there is no compression that has a level: give compression ZSTD with it, or leave it out';
  return boundsFault(level, 'compressionLevel', 19);
}
