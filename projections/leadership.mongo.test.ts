// Leadership in MongoDB: one leads, a released or silent lease passes on, a leader that was replaced learns of it.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually, untilTrue } from '../test/eventual-fact.js';
import { mongoSuite } from '../test/mongo-server.js';
import type { TestDatabase } from '../test/mongo-server.js';
import { mongoLeadership, usualLease } from './leadership.mongo.js';
import type { Leadership, Lease } from './leadership.js';
import { askAgainEveryMs } from './projector.js';

interface StoredLease { readonly _id: string; readonly holder: string; readonly renewals: number }

const times = { renewEveryMs: 50, silentForMs: 3_000 };

test('whoever waits for its turn takes over within ten seconds of the last sign of life', () => {
  const { renewEveryMs, silentForMs } = usualLease;
  expect(silentForMs + renewEveryMs + askAgainEveryMs).toBeLessThanOrEqual(10_000);
  expect(renewEveryMs).toBeLessThan(silentForMs / 2);
});

await mongoSuite('leadership in MongoDB', (open) => {
  let database: TestDatabase;
  let held: Lease[];
  beforeEach(() => {
    database = open();
    held = [];
  });
  afterEach(async () => {
    for (const lease of held) await lease.release();
    await database.dispose();
  });

  const candidate = (): Leadership => mongoLeadership(database.db, 'read', times);
  const take = async (of: Leadership): Promise<Lease | undefined> => {
    const lease = await of.tryAcquire();
    if (lease !== null) held.push(lease);
    return lease ?? undefined;
  };
  const leases = () => database.db.collection<StoredLease>('leases');

  test('of several that ask at once one leads, for as long as it renews', async () => {
    const candidates = [candidate(), candidate(), candidate()];
    const taken = await Promise.all(candidates.map(take));
    expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1);
    await untilTrue('renewed several times', async () => ((await leases().findOne())?.renewals ?? 0) > 3);
    expect(await Promise.all(candidates.map(take))).toEqual([undefined, undefined, undefined]);
    expect(held[0]?.lost.aborted).toBe(false);
  });

  test('what its holder releases is free at once', async () => {
    const [first, second] = [candidate(), candidate()];
    const lease = await take(first);
    expect(await take(second)).toBeUndefined();
    await lease?.release();
    await lease?.release();
    expect(await take(second)).toBeDefined();
  });

  test('a silent lease is taken over, but not before it was seen silent for long enough', async () => {
    await leases().insertOne({ _id: 'read', holder: 'killed', renewals: 7 });
    const contender = candidate();
    const begun = performance.now();
    await eventually('the lease is taken over', () => take(contender));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(times.silentForMs);
    expect(await take(candidate())).toBeUndefined();
  });

  test('a holder that was taken over learns of it, and does not take the new lease away', async () => {
    const lease = await take(candidate());
    await leases().updateOne({ _id: 'read' }, { $set: { holder: 'another', renewals: 0 } });
    await untilTrue('the lease is known as lost', () => lease?.lost.aborted === true);
    await lease?.release();
    expect(await leases().findOne()).toEqual({ _id: 'read', holder: 'another', renewals: 0 });
  });

  test('different names are led apart', async () => {
    expect(await take(candidate())).toBeDefined();
    expect(await take(mongoLeadership(database.db, 'other', times))).toBeDefined();
  });
});
