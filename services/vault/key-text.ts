// A master key as text: 32 bytes in base64 or hex, from a variable or from a file that only its owner can use.
// Knows no particular file, and never puts a key into an error.
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { SnapkeepError } from '../../events/errors.js';

const BYTES = 32;
const HOW_TO_MAKE = 'make one with: openssl rand -base64 32';

export const newKeyText = (): string => `${randomBytes(BYTES).toString('base64')}\n`;

/** Null where the text is not 32 bytes. */
export function keyOf(text: string): Buffer | null {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  return /^[A-Za-z0-9+/]{43}=?$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : null;
}

/** `origin` names the variable or file in errors. */
export function decodeKey(text: string, origin: string): Buffer {
  const key = keyOf(text);
  if (key) return key;
  throw invalidKey(`${origin} is not ${BYTES} bytes in base64 (44 characters) or hex (64 characters); ${HOW_TO_MAKE}`);
}

/** `remedy` says what to do where the file cannot be read. */
export function readKeyText(file: string, remedy: string): string {
  let text: string;
  let mode: number;
  try {
    mode = statSync(file).mode;
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalidKey(`the key file ${file} cannot be read (${codeOf(cause)}); ${remedy}`, cause);
  }
  if ((mode & 0o077) === 0) return text;
  const shown = (mode & 0o777).toString(8);
  throw invalidKey(`the key file ${file} can be used by its group or by others (mode ${shown}); run: chmod 600 ${file}`);
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
}

export function invalidKey(message: string, cause?: unknown): SnapkeepError {
  return new SnapkeepError('MASTER_KEY_INVALID', `Master key: ${message}`, { cause });
}
