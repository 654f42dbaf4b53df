// Leadership by a document in MongoDB: who inserts its `_id` leads, and renews it. No clocks are compared: a contender watches the
// renewals, and takes over what has not been renewed for a while by its own monotonic clock.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoServerError } from 'mongodb';
import type { Collection, Db } from 'mongodb';
import { namingFailures } from '../events/store-failure.js';
import type { Leadership, Lease } from './leadership.js';

interface LeaseDocument {
  readonly _id: string;
  readonly holder: string;
  /** Grows with each renewal. */
  readonly renewals: number;
}

export interface LeaseTimes {
  readonly renewEveryMs: number;
  /** Taken over after this long without a renewal; given up by its holder who could not renew it for as long. */
  readonly silentForMs: number;
}

/** Asked every second, a contender takes over within 8 s of the last sign of life. */
export const usualLease: LeaseTimes = { renewEveryMs: 2_000, silentForMs: 6_000 };

const duplicateKey = 11000;

/** `name`: what is led, such as the generation of a read store. */
export function mongoLeadership(db: Db, name: string, times: LeaseTimes = usualLease): Leadership {
  const leases = db.collection<LeaseDocument>('leases');
  const isSilent = watchRenewals(times.silentForMs);
  return namingFailures('Leadership in MongoDB', 'Mongo', {
    async tryAcquire() {
      const holding = { _id: name, holder: randomUUID() };
      return await lead(leases, holding, isSilent) ? keepLease(leases, holding, times) : null;
    },
  });
}

type Holding = Pick<LeaseDocument, '_id' | 'holder'>;
type IsSilent = (lease: LeaseDocument) => boolean;

async function lead(leases: Collection<LeaseDocument>, { _id, holder }: Holding, isSilent: IsSilent): Promise<boolean> {
  const lease = await leases.findOne({ _id });
  if (lease === null) return insert(leases, { _id, holder, renewals: 0 });
  if (!isSilent(lease)) return false;
  const { matchedCount } = await leases.updateOne({ _id, holder: lease.holder, renewals: lease.renewals }, { $set: { holder, renewals: 0 } });
  return matchedCount === 1;
}

async function insert(leases: Collection<LeaseDocument>, lease: LeaseDocument): Promise<boolean> {
  try {
    await leases.insertOne(lease);
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === duplicateKey) return false;
    throw error;
  }
}

/** True for a lease that has been seen unchanged for so long. */
function watchRenewals(silentForMs: number): IsSilent {
  let seen: { readonly sign: string; readonly since: number } | null = null;
  return ({ holder, renewals }) => {
    const sign = `${holder} ${renewals}`;
    if (seen?.sign !== sign) seen = { sign, since: performance.now() };
    return performance.now() - seen.since >= silentForMs;
  };
}

function keepLease(leases: Collection<LeaseDocument>, holding: Holding, { renewEveryMs, silentForMs }: LeaseTimes): Lease {
  const lost = new AbortController();
  const ended = new AbortController();
  const renew = async (): Promise<void> => {
    let renewedAt = performance.now();
    while (!ended.signal.aborted && !lost.signal.aborted) {
      await pause(renewEveryMs, undefined, { signal: ended.signal, ref: false }).catch(() => null);
      if (ended.signal.aborted) return;
      const begun = performance.now();
      const renewed = await leases.updateOne(holding, { $inc: { renewals: 1 } }).then(({ matchedCount }) => matchedCount === 1, () => null);
      if (renewed === true) renewedAt = begun;
      if (renewed === false || performance.now() - renewedAt >= silentForMs) lost.abort();
    }
  };
  const renewing = renew();
  return {
    lost: lost.signal,
    async release() {
      ended.abort();
      await renewing;
      // Where it cannot be deleted it falls silent.
      await leases.deleteOne(holding).catch(() => null);
    },
  };
}
