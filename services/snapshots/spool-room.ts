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
  /** Bytes that are in its file so far. */
  written: () => number;
}

/** What must stay free beside the spool, for whoever else uses the disk. */
const MARGIN_BYTES = 64 * 1024 * 1024;

/** `limitBytes` null: bounded by the disk alone. */
export function createSpoolRoom(limitBytes: number | null): SpoolRoom {
  const spools = new Map<string, Spool>();

  const discard = async (folder: string): Promise<void> => {
    const spool = spools.get(folder);
    if (spool === undefined) return;
    spools.delete(folder);
    await rm(spool.file, { force: true });
  };
  /** Those that were there before this one. */
  const before = (own: Spool): readonly Spool[] => [...spools.values()].slice(0, [...spools.values()].indexOf(own));
  const lackOfLimit = async (own: Spool): Promise<StepFailure | null> => {
    const taken = before(own).reduce((sum, { bytes }) => sum + bytes, 0);
    if (limitBytes === null || taken + own.bytes <= limitBytes) return null;
    return new StepFailure('PREFLIGHT', 'SPOOL_FULL', `A spool of ${own.bytes} bytes beside those of ${taken} bytes that are in use is more than `
      + `SNAPKEEP_SPOOL_LIMIT_GB allows (${limitBytes} bytes, ${dirname(own.file)}): raise it, or run fewer snapshots at the same time.`);
  };
  const lackOfDisk = async (own: Spool): Promise<StepFailure | null> => {
    const growing = before(own).filter((spool) => !spool.kept && areBeside(spool, own));
    const promised = growing.reduce((sum, { bytes, written }) => sum + Math.max(0, bytes - written()), 0);
    const { bavail, bsize } = await statfs(dirname(own.file));
    const [free, needed] = [bavail * bsize, own.bytes + promised + MARGIN_BYTES];
    if (free >= needed) return null;
    return new StepFailure('PREFLIGHT', 'DISK_FULL', `The disk under ${dirname(own.file)} has ${free} bytes free, and the spool of the snapshot `
      + `needs ${needed} (${promised} of them for spools that still grow there, ${MARGIN_BYTES} to spare): free some space there.`);
  };
  const makeRoom = async (lack: () => Promise<StepFailure | null>, mayGiveWay: (spool: Spool) => boolean): Promise<void> => {
    for (let failure = await lack(); failure !== null; failure = await lack()) {
      const oldest = [...spools.values()].find((spool) => spool.kept && mayGiveWay(spool));
      if (oldest === undefined) throw failure;
      await discard(oldest.folder);
    }
  };

  return {
    async create(place) {
      const own: Spool = { ...place, kept: false, written: () => 0 };
      spools.set(place.folder, own);
      try {
        await makeRoom(() => lackOfLimit(own), () => true);
        await makeRoom(() => lackOfDisk(own), (spool) => areBeside(spool, own));
        const spooling = await createSpool(place.file, place.bytes);
        own.written = spooling.size;
        return spooling;
      } catch (error) {
        spools.delete(place.folder);
        throw diskFailure('PREFLIGHT', place.file, error);
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

const areBeside = (one: Spool, other: Spool): boolean => dirname(one.file) === dirname(other.file);
