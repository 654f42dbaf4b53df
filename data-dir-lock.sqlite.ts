// The lock on a data directory whose event log is elsewhere: its node id, spools and target roots belong to one process.
// Held until it is released or the process dies, however it dies. The embedded event log locks itself.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SnapkeepError } from './events/errors.js';

/** Gives what releases it. Throws STORE_IN_USE while another process holds it. */
export function lockDataDir(dataDir: string): () => void {
  const db = new DatabaseSync(join(dataDir, 'lock.db'));
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (by INTEGER) STRICT; COMMIT');
    return () => db.close();
  } catch (error) {
    db.close();
    throw new SnapkeepError('STORE_IN_USE', `opening the data directory ${dataDir}: another process has it; give each process its own `
      + `by SNAPKEEP_DATA_DIR (${String(error)})`, { details: { dataDir }, cause: error });
  }
}
