// Where the vault's master key comes from: given as text, in a file, or made once in the data directory.
// Does not read the environment (config.ts does) and never puts a key into an error.
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SnapkeepError } from '../../events/errors.js';

export interface MasterKeySource {
  /** SNAPKEEP_MASTER_KEY: 32 bytes in base64 or hex. */
  readonly key?: string | undefined;
  /** SNAPKEEP_MASTER_KEY_FILE: a file that holds the same. */
  readonly keyFile?: string | undefined;
  /** Exists already; `master.key` in it is used, and made if absent, when neither of the others is given. */
  readonly dataDir: string;
}

const BYTES = 32;
const HOW_TO_MAKE = 'make one with: openssl rand -base64 32';

/** @throws SnapkeepError MASTER_KEY_INVALID when the key is given twice, is not 32 bytes, or others may read its file. */
export function loadMasterKey({ key, keyFile, dataDir }: MasterKeySource): Buffer {
  if (key && keyFile) throw invalid('SNAPKEEP_MASTER_KEY and SNAPKEEP_MASTER_KEY_FILE are both set; set one of them');
  if (key) return decoded(key, 'SNAPKEEP_MASTER_KEY');
  if (keyFile) return readKeyFile(keyFile);
  const own = join(dataDir, 'master.key');
  makeKeyFile(own);
  return readKeyFile(own);
}

function readKeyFile(file: string): Buffer {
  let text: string;
  let mode: number;
  try {
    mode = statSync(file).mode;
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const remedy = 'correct SNAPKEEP_MASTER_KEY_FILE or the file\'s owner';
    throw invalid(`the key file ${file} cannot be read (${codeOf(cause)}); ${remedy}`, cause);
  }
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8);
    throw invalid(`the key file ${file} can be used by its group or by others (mode ${shown}); run: chmod 600 ${file}`);
  }
  return decoded(text, file);
}

/** Complete or absent, whatever happens in between: link() refuses to replace a key that another process has just made. */
function makeKeyFile(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })) return;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeDurably(draft, `${randomBytes(BYTES).toString('base64')}\n`);
    linkSync(draft, file);
  } catch (cause) {
    const code = codeOf(cause);
    if (code !== 'EEXIST') throw invalid(`no key file can be made at ${file} (${code}); make the directory writable`, cause);
  } finally {
    if (statSync(draft, { throwIfNoEntry: false })) unlinkSync(draft);
  }
  syncDirectory(join(file, '..'));
}

function writeDurably(file: string, text: string): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function decoded(text: string, origin: string): Buffer {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (/^[A-Za-z0-9+/]{43}=?$/.test(trimmed)) return Buffer.from(trimmed, 'base64');
  throw invalid(`${origin} is not ${BYTES} bytes in base64 (44 characters) or hex (64 characters); ${HOW_TO_MAKE}`);
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
}

function invalid(message: string, cause?: unknown): SnapkeepError {
  return new SnapkeepError('MASTER_KEY_INVALID', `Master key: ${message}`, { cause });
}
