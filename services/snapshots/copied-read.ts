// One read of etcd with the copies behind it: into the spool, verified there, and only then committed by the targets.
// Neither claims nor records: see part-attempt.ts.
import { setTimeout as delay } from 'node:timers/promises';
import type { ReadFacts } from '../../events/cluster-events.js';
import type { Etcd, EtcdStatus, SnapshotStream } from '../etcd/etcd.js';
import type { Lease } from './attempt-lease.js';
import { manifestFacts } from './copy-manifest.js';
import { type CopyPlaces, type OpenPlaces, openPlaces } from './copy-places.js';
import { type CopyOutcome, storeCopies, withdrawCopies } from './copy-round.js';
import type { GrowingSpool } from './growing-spool.js';
import type { OpenPart } from './open-work.js';
import { readSnapshot } from './snapshot-read.js';
import type { SpoolRoom } from './spool-room.js';

export interface CopiedReadParts {
  readonly places: CopyPlaces;
  readonly spools: SpoolRoom;
  /** How long etcd may send no byte. */
  readonly idleTimeoutMs: number;
  /** How long a copy may make no progress. */
  readonly stallMs: number;
  readonly now: () => string;
}

/** What one attempt works on. */
export interface Attempt {
  readonly part: OpenPart;
  readonly lease: Lease;
  readonly signal: AbortSignal;
}

export interface ReadOutcome extends CopyOutcome {
  readonly facts: ReadFacts;
}

interface Reading {
  readonly open: OpenPlaces;
  readonly stream: SnapshotStream;
  readonly spooling: GrowingSpool;
  readonly status: EtcdStatus;
  readonly takenAt: string;
  readonly began: number;
}

/** Three tries in the first round. */
const TRY_PAUSES_MS = [500, 2_000];
/** How long copies may take to be withdrawn, and the spool to be given up, before the failure is recorded. */
const WITHDRAWAL_MS = 10_000;

/** Rejects with nothing of the attempt left, but for what a target did not give back in time: a sweep finds that. */
export async function readAndStore(parts: CopiedReadParts, attempt: Attempt, etcd: Etcd, status: EtcdStatus): Promise<ReadOutcome> {
  const { part, lease, signal } = attempt;
  const { clusterId, name } = part;
  const { attempt: number, targetIds } = lease;
  const open = await openPlaces(parts.places, { clusterId, name, part: part.part, attempt: number, targetIds }, status.dbSize);
  const began = performance.now();
  const stream = await etcd.openSnapshot(status.endpoint, { signal, idleTimeoutMs: parts.idleTimeoutMs });
  const takenAt = parts.now();
  lease.note(0, stream.totalBytes);
  await lease.renew();
  const { folder, spoolFile: file } = open;
  const spooling = await parts.spools.create({ folder, file, bytes: stream.totalBytes });
  try {
    const outcome = await readBehind(parts, attempt, { open, stream, spooling, status, takenAt, began });
    if (needsSpool(outcome)) parts.spools.keep(folder);
    else await parts.spools.discard(folder);
    return outcome;
  } catch (error) {
    await atMost(WITHDRAWAL_MS, parts.spools.discard(folder));
    throw error;
  } finally {
    await atMost(WITHDRAWAL_MS, spooling.close());
  }
}

/** For what may hang with its disk or store. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, delay(ms, undefined, { ref: false })]);
}

/** A copy that failed is made up for from one that can be read back; where there is none, from the spool. */
const needsSpool = ({ copies, failedCopies }: CopyOutcome): boolean =>
  failedCopies.length > 0 && copies.every(({ encoding }) => encoding.includes('age'));

/** The copies follow the spool while etcd fills it; none of them can end before what came is verified. */
async function readBehind(parts: CopiedReadParts, attempt: Attempt, reading: Reading): Promise<ReadOutcome> {
  const { part, lease } = attempt;
  const { open, spooling, stream } = reading;
  const ending = new AbortController();
  const signal = AbortSignal.any([attempt.signal, ending.signal]);
  const round = { signal, stallMs: parts.stallMs, pausesMs: TRY_PAUSES_MS, part: part.part, now: parts.now };
  const stored = storeCopies(open, spooling.source, round);
  stored.catch(() => undefined);
  try {
    // The copies end before the read only by failing, all of them.
    const facts = await Promise.race([readFile(parts, attempt, reading), stored.then(neverFirst)]);
    const { read, fileSize: size, fileSha256: sha256 } = facts;
    spooling.verified({ size, sha256, manifest: manifestFacts(part, lease.attempt, read, parts.places.snapkeepVersion) });
    const outcome = await stored;
    if (!attempt.signal.aborted) return { ...outcome, facts: read };
    await withdrawCopies(parts.places, outcome.copies);
    throw attempt.signal.reason;
  } catch (error) {
    spooling.failed(error);
    ending.abort(error);
    stream.cancel();
    await atMost(WITHDRAWAL_MS, stored.catch(() => undefined));
    throw error;
  }
}

function neverFirst(): never {
  throw new Error('copies were stored before what they hold was verified');
}

interface FileRead {
  readonly read: ReadFacts;
  readonly fileSize: number;
  readonly fileSha256: string;
}

async function readFile({ stallMs }: CopiedReadParts, { lease, signal }: Attempt, reading: Reading): Promise<FileRead> {
  const { stream, spooling, status, takenAt, began } = reading;
  const { totalBytes } = stream;
  const facts = await readSnapshot(stream, spooling, { signal, stallMs, onProgress: (bytes) => lease.note(bytes, totalBytes) });
  await lease.renew();
  signal.throwIfAborted();
  const { databaseSize: dbSize, fileSize, fileSha256, revision, keyCount, sha256 } = facts;
  const { version: etcdVersion, memberId: member } = status;
  const durationMs = Math.round(performance.now() - began);
  return { fileSize, fileSha256, read: { takenAt, revision, keyCount, dbSize, sha256, etcdVersion, member, durationMs } };
}
