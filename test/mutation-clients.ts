// Clients that change things for as long as the service answers, and remember what it acknowledged.
// What is remembered must be found after any number of crashes; what was not acknowledged may be found or not.
import { attempt, listSnapshots } from './snapkeep-calls.js';
import type { SeededRandom } from './seeded-random.js';
import type { Snapkeep } from './snapkeep-process.js';

/** Requests that may wait for the worker, so that it is busy and yet keeps up. */
const mostOpen = 4;

export interface Acknowledged {
  /** Snapshot ids by idempotency key. */
  readonly requests: Map<string, string>;
  /** Retention counts by the revision of the policy that brought them. */
  readonly policies: Map<number, number>;
  readonly pins: Set<string>;
  readonly deletions: Set<string>;
}

export interface MutationClients {
  readonly acknowledged: Acknowledged;
  /** Ends, without an error, when the service is gone. */
  run(): Promise<void>;
}

export interface ClientWay {
  /** Of the idempotency keys: one of its own for each of several on one cluster. */
  readonly keyPrefix: string;
  /** Between two mutations. */
  readonly longestThoughtMs: number;
}

export function mutationClients(
  snapkeep: Snapkeep, random: SeededRandom, clusterId: string, { keyPrefix, longestThoughtMs }: ClientWay = { keyPrefix: 'key', longestThoughtMs: 60 },
): MutationClients {
  const acknowledged: Acknowledged = { requests: new Map(), policies: new Map(), pins: new Set(), deletions: new Set() };
  let key = 0;
  let retentionCount = 1;

  // A key whose answer never came is sent again after the crash: it must still name one snapshot.
  const request = async (): Promise<void> => {
    const open = await listSnapshots(snapkeep, clusterId, { states: ['REQUESTED', 'RUNNING'] });
    if (open.length >= mostOpen) return;
    const idempotencyKey = `${keyPrefix}-${key}`;
    const { object } = await attempt(snapkeep, 'snapshotNow', { clusterId, idempotencyKey, name: idempotencyKey });
    if (!object) return;
    acknowledged.requests.set(idempotencyKey, object.id);
    key += 1;
  };
  const changePolicy = async (): Promise<void> => {
    retentionCount += 1;
    const { object } = await attempt(snapkeep, 'updatePolicy', { clusterId, retentionCount });
    if (object) acknowledged.policies.set(object.revision, object.retentionCount);
  };
  const pinOrDelete = async (): Promise<void> => {
    const ours = new Set(acknowledged.requests.values());
    const taken = await listSnapshots(snapkeep, clusterId, { states: ['TAKEN'] });
    const id = random.pick(taken.filter((snapshot) => !snapshot.pinned && ours.has(snapshot.id)))?.id;
    if (id === undefined) return;
    const deleting = random.next() < 0.7;
    const { object } = await attempt(snapkeep, deleting ? 'deleteSnapshot' : 'pinSnapshot', id);
    if (object) acknowledged[deleting ? 'deletions' : 'pins'].add(id);
  };

  return {
    acknowledged,
    async run() {
      await Promise.all([request, changePolicy, pinOrDelete].map((step) => untilGone(snapkeep, async () => {
        await step();
        await thinkTime(random.next() * longestThoughtMs);
      })));
    },
  };
}

/** A client that never pauses would leave the service no time for the work that is to be killed. */
function thinkTime(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}

async function untilGone(snapkeep: Snapkeep, step: () => Promise<void>): Promise<void> {
  try {
    for (;;) await step().catch(assertStoreAway);
  } catch (error) {
    if (snapkeep.isRunning()) throw error;
  }
}

/** An answer that a store is away acknowledges nothing; the client goes on. */
function assertStoreAway(error: unknown): void {
  if (!(error instanceof Error) || !error.message.includes('"code":"STORE_UNAVAILABLE"')) throw error;
}
