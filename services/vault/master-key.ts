// Where the vault's master key comes from: given as text, given in a file, or the data directory's own.
// Does not read the environment: config.ts does.
import { decodeKey, invalidKey, readKeyText } from './key-text.js';
import { loadOwnKey } from './own-master-key.js';

export interface GivenKey {
  /** 32 bytes in base64 or hex. */
  readonly key?: string | undefined;
  /** A file that holds the same. */
  readonly keyFile?: string | undefined;
}

/** As SNAPKEEP_MASTER_KEY and SNAPKEEP_MASTER_KEY_FILE give it. */
export interface MasterKeySource extends GivenKey {
  /** Exists already; `master.key` in it is used when neither of the others is given. */
  readonly dataDir: string;
}

/**
 * `vaultFingerprint`: that of the key the vault is written under, null where there is no vault yet; then a missing `master.key` is made.
 * @throws SnapkeepError MASTER_KEY_INVALID when the key is given twice, is missing, is not 32 bytes, or others may read its file.
 */
export function loadMasterKey({ dataDir, ...given }: MasterKeySource, vaultFingerprint: string | null): Buffer {
  return readGivenKey(given, 'SNAPKEEP_MASTER_KEY') ?? loadOwnKey(dataDir, vaultFingerprint);
}

/** `variable` is where the text was given; the file was given in `<variable>_FILE`. Null where neither was. */
export function readGivenKey({ key, keyFile }: GivenKey, variable: string): Buffer | null {
  if (key && keyFile) throw invalidKey(`${variable} and ${variable}_FILE are both set; set one of them`);
  if (key) return decodeKey(key, variable);
  return keyFile ? decodeKey(readKeyText(keyFile, `correct ${variable}_FILE or the file's owner`), keyFile) : null;
}
