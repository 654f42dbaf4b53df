// One secret sealed with AES-256-GCM under the master key, bound to its reference. Bytes in, bytes out:
// knows no storage. Layout: 12 bytes nonce, 16 bytes tag, ciphertext.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { SnapkeepError } from '../../events/errors.js';
import type { Secret } from './vault.js';

const NONCE = 12;
const TAG = 16;

export function seal(key: Buffer, ref: string, secret: Secret): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG }).setAAD(Buffer.from(ref));
  const text = Buffer.concat([cipher.update(JSON.stringify(secret), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

/** @throws SnapkeepError VAULT_CORRUPT when the bytes are not what was sealed under this key and reference. */
export function unseal(key: Buffer, ref: string, sealed: Uint8Array): Secret {
  try {
    const bytes = Buffer.from(sealed);
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(ref)).setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
    const text = Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]);
    return JSON.parse(text.toString('utf8')) as Secret;
  } catch (cause) {
    const remedy = 'restore the vault from a backup, or enter the credentials again';
    const message = `Vault: the entry ${ref} is damaged or was moved from another reference; ${remedy}`;
    throw new SnapkeepError('VAULT_CORRUPT', message, { details: { ref }, cause });
  }
}

/** Tells two master keys apart without telling anything of either. */
export function keyFingerprint(key: Buffer): string {
  return createHmac('sha256', key).update('snapkeep vault master key fingerprint').digest('hex').slice(0, 32);
}
