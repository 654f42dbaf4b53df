// The room that spools may take: bounded by a setting and by the disk, with those that are kept for repairs giving way first.
// Knows the spools of this process; those of an earlier one are cleared away when it starts.
import { rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSpool } from './growing-spool.js';
import type { GrowingSpool } from './growing-spool.js';
import { StepFailure, diskFailure } from './step-failure.js';

/** The spool of one attempt, by the folder of its copies. */
export interface SpoolPlace {
  readonly folder: string;
  readonly file: string;
  readonly bytes: number;
}

export interface SpoolRoom {
  /** Rejects with SPOOL_FULL or DISK_FULL where `bytes` do not fit. */
  create(place: SpoolPlace): Promise<GrowingSpool>;
  /** Its attempt is over; it stays for repairs until it is discarded, or has to give way to an attempt. */
  keep(folder: string): void;
  /** The file of a kept spool, by the folder of its attempt; null where there is none. */
  kept(folder: string): string | null;
  /** Without effect where there is none. */
  discard(folder: string): Promise<void>;
}

interface Spool extends SpoolPlace {
  kept: boolean;
}

/** What must stay free beside the spool, for whoever else uses the disk. */
const MARGIN_BYTES = 64 * 1024 * 1024;

/** `limitBytes` null: bounded by the disk alone. */
export function createSpoolRoom(limitBytes: number | null): SpoolRoom {
  const spools = new Map<string, Spool>();
  const taken = (): number => [...spools.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  const discard = async (folder: string): Promise<void> => {
    const spool = spools.get(folder);
    if (spool === undefined) return;
    spools.delete(folder);
    await rm(spool.file, { force: true });
  };
  const makeRoom = async ({ bytes, file }: SpoolPlace): Promise<void> => {
    if (limitBytes === null) return;
    const kept = [...spools.values()].filter((spool) => spool.kept);
    for (const spool of kept) if (taken() + bytes > limitBytes) await discard(spool.folder);
    if (taken() + bytes <= limitBytes) return;
    throw new StepFailure('PREFLIGHT', 'SPOOL_FULL', `A spool of ${bytes} bytes beside those of ${taken()} bytes that are in use is more than `
      + `SNAPKEEP_SPOOL_LIMIT_GB allows (${limitBytes} bytes, ${dirname(file)}): raise it, or run fewer snapshots at the same time.`);
  };

  return {
    async create(place) {
      const { folder, file, bytes } = place;
      await makeRoom(place);
      spools.set(folder, { ...place, kept: false });
      try {
        await assertFree(dirname(file), bytes);
        return await createSpool(file, bytes);
      } catch (error) {
        spools.delete(folder);
        throw diskFailure('PREFLIGHT', file, error);
      }
    },
    keep(folder) {
      const spool = spools.get(folder);
      if (spool) spool.kept = true;
    },
    kept: (folder) => {
      const spool = spools.get(folder);
      return spool?.kept === true ? spool.file : null;
    },
    discard,
  };
}

async function assertFree(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const [free, needed] = [bavail * bsize, bytes + MARGIN_BYTES];
  if (free >= needed) return;
  throw new StepFailure('PREFLIGHT', 'DISK_FULL', `The disk under ${folder} has ${free} bytes free, and the spool of the snapshot needs ${needed} `
    + `(${MARGIN_BYTES} of them to spare): free some space there.`);
}
