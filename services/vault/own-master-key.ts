// The data directory's own master key: `master.key`, made once, and changed by way of `master.key.next`. Every step is durable before
// the next one begins, so that a crash at any instant leaves a key that opens the vault. Not for keys that are configured.
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fchownSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, decodeKey, invalidKey, keyOf, newKeyText, readKeyText } from './key-text.js';
import { keyFingerprint } from './sealed-secret.js';

const ownFile = (dataDir: string): string => join(dataDir, 'master.key');
const nextFile = (dataDir: string): string => join(dataDir, 'master.key.next');

/** Completes a change that was interrupted. A key is made only where no vault was written yet (`vaultFingerprint` null). */
export function loadOwnKey(dataDir: string, vaultFingerprint: string | null): Buffer {
  if (findNextKey(dataDir, vaultFingerprint)) adoptNextKey(dataDir);
  if (vaultFingerprint === null) makeKeyFile(ownFile(dataDir));
  return readOwnKey(dataDir);
}

export function readOwnKey(dataDir: string): Buffer {
  const file = ownFile(dataDir);
  return decodeKey(readKeyText(file, 'put it back, or correct its owner: the vault cannot be read without it'), file);
}

/**
 * The next key if the vault is written under it already, so that the change must be completed. Null else: a file that is there all the same,
 * perhaps cut short, comes from a change that never reached the vault.
 */
export function findNextKey(dataDir: string, vaultFingerprint: string | null): Buffer | null {
  const file = nextFile(dataDir);
  if (!existsSync(file)) return null;
  const key = keyOf(readKeyText(file, 'correct its owner'));
  return key !== null && keyFingerprint(key) === vaultFingerprint ? key : null;
}

/** Durable when it returns. What an interrupted change left is replaced, not used: nobody knows who has seen it since. */
export function makeNextKey(dataDir: string): Buffer {
  const file = nextFile(dataDir);
  const text = newKeyText();
  try {
    rmSync(file, { force: true });
    writeDurably(file, text, statSync(ownFile(dataDir)));
    syncFolder(dataDir);
  } catch (cause) {
    throw invalidKey(`no key file can be made at ${file} (${codeOf(cause)}); make the directory writable`, cause);
  }
  return decodeKey(text, file);
}

/** Puts the next key in the place of the present one. */
export function adoptNextKey(dataDir: string): void {
  renameSync(nextFile(dataDir), ownFile(dataDir));
  syncFolder(dataDir);
}

/** Complete or absent, whatever happens in between: link() refuses to replace a key that another process has just made. */
function makeKeyFile(file: string): void {
  if (existsSync(file)) return;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeDurably(draft, newKeyText());
    linkSync(draft, file);
  } catch (cause) {
    const code = codeOf(cause);
    if (code !== 'EEXIST') throw invalidKey(`no key file can be made at ${file} (${code}); make the directory writable`, cause);
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(join(file, '..'));
}

function writeDurably(file: string, text: string, owner?: { readonly uid: number; readonly gid: number }): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    // The command may be run by root, the service by a user who must be able to read what it made.
    if (owner && owner.uid !== process.getuid?.()) fchownSync(descriptor, owner.uid, owner.gid);
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
