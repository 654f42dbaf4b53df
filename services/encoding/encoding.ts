// What the encoding of a target means for a copy: the steps in their order, the name of the stored file, and whom it is encrypted to.
// Encodes nothing itself.
import { Encrypter } from 'age-encryption';
import type { Encoding, EncodingStep } from '../../events/target-events.js';

const suffixes: Readonly<Record<EncodingStep, string>> = { zstd: '.zst', age: '.age' };

/** Compression first: what is encrypted does not compress. */
export function stepsOf(encoding: Encoding): readonly EncodingStep[] {
  return [
    ...(encoding.compression === 'ZSTD' ? ['zstd' as const] : []),
    ...(encoding.ageRecipients.length > 0 ? ['age' as const] : []),
  ];
}

export function isPlain(encoding: Encoding): boolean {
  return stepsOf(encoding).length === 0;
}

/** `snapshot.db`, zstd and age: `snapshot.db.zst.age`. The standard tools undo it from the right. */
export function encodedName(name: string, steps: readonly EncodingStep[]): string {
  return steps.reduce((before, step) => `${before}${suffixes[step]}`, name);
}

const howToMake = 'Make a pair with "age-keygen -o key.txt" and give the public key that it prints';

const refusals: readonly { readonly like: RegExp; readonly fault: string }[] = [
  {
    like: /AGE-SECRET-KEY-|AGE-PLUGIN-|PRIVATE KEY/i,
    fault: 'This is a private key: it decrypts, so keep it away from here, where backups are made, and replace it if others may have seen it. '
      + 'Give its public key instead, which "age-keygen -y key.txt" prints and which begins with age1.',
  },
  { like: /^\s|\s$/, fault: 'There is white space around this recipient: give the public key alone, from age1 to its last character.' },
  { like: /^(ssh|ecdsa|sk)-/i, fault: `SSH keys are no recipients here, only age's own keys (X25519). ${howToMake}, which begins with age1.` },
  { like: /^AGE1/, fault: 'This recipient is in capitals: write it in small letters, as age-keygen prints it.' },
  {
    like: /^age1(pq|[a-z0-9-]*)1/,
    fault: `Recipients of age's plugins and post-quantum recipients are not supported, only age's own keys (X25519). ${howToMake}: `
      + 'age1 and 58 letters and digits.',
  },
];

/**
 * What is wrong with an age recipient, for people and without its value, which may be a secret given by mistake; null for an
 * X25519 public key (`age1…`) whose checksum is right.
 */
export function recipientFault(text: string): string | null {
  const refusal = refusals.find(({ like }) => like.test(text));
  if (refusal !== undefined) return refusal.fault;
  if (!text.startsWith('age1')) return `This is no age recipient, which begins with age1. ${howToMake}.`;
  try {
    new Encrypter().addRecipient(text);
    return null;
  } catch {
    return 'This age recipient is mistyped or cut off, as its checksum shows: copy the public key again, age1 and 58 letters and digits.';
  }
}
