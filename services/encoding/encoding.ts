// How the bytes of a copy are encoded, in names; the work is done in encode.ts.
import type { Encoding, EncodingStep } from '../../events/target-events.js';

const suffixes: Readonly<Record<EncodingStep, string>> = { zstd: '.zst', age: '.age' };

export function stepsOf({ compression, ageRecipients }: Encoding): readonly EncodingStep[] {
  return [...(compression === 'ZSTD' ? ['zstd' as const] : []), ...(ageRecipients.length > 0 ? ['age' as const] : [])];
}

export const encodedName = (name: string, steps: readonly EncodingStep[]): string => name + steps.map((step) => suffixes[step]).join('');
