// Snapshots of a real etcd through proxies that break the stream: nothing invalid is ever visible, and what failed is said.
// Each fault is met twice: once it ends in time for a retry, once it outlasts all of them.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { untilTrue } from './eventual-fact.js';
import { type ConnectionFault, type FaultProxy, startFaultProxy } from './fault-proxy.js';
import { allKeys, restoredKeys } from './restored-etcd.js';
import {
  type SnapshotView, changes, completionOf, completions, cursorNow, filesBelow, firstOf, history, listSnapshots, mutate, registerEtcd, sha256Of,
} from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';
import { type SnapshotFault, startSnapshotFaultProxy } from './snapshot-fault-proxy.js';

const pauses = ['0.2', '3'];
const attemptsInAll = pauses.length + 1;
const clusterId = 'faulty';
const middle = 1_000_000;

let etcd: TestEtcd;
let messages: FaultProxy<SnapshotFault>;
let connections: FaultProxy<ConnectionFault>;
let snapkeep: Snapkeep;

beforeAll(async () => {
  etcd = await startEtcd();
  await putKeys(etcd.connection, { count: 3_000, valueBytes: 1_000 });
  messages = await startSnapshotFaultProxy(etcd.endpoint);
  connections = await startFaultProxy(messages.endpoint);
  snapkeep = await startSnapkeep({ SNAPKEEP_RETRY_SECONDS: pauses.join(','), SNAPKEEP_IDLE_TIMEOUT_SECONDS: '1' });
  await registerEtcd(snapkeep, clusterId, { ...etcd.connection, endpoints: [connections.endpoint] });
});
afterAll(async () => {
  await snapkeep.dispose();
  await connections.close();
  await messages.close();
  await etcd.stop();
});

interface Case {
  readonly fault: string;
  readonly step: string;
  readonly codes: readonly string[];
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
}

const onConnections = (fault: string, step: string, codes: readonly string[], how: ConnectionFault): Case => ({
  fault, step, codes, begin: () => connections.setFault(how), end: () => connections.setFault(null),
});
const onMessages = (fault: string, step: string, codes: readonly string[], how: SnapshotFault): Case => ({
  fault, step, codes, begin: () => messages.setFault(how), end: () => messages.setFault(null),
});

const cases: readonly Case[] = [
  onConnections('the connection is cut in the middle', 'STREAM', ['STREAM_BROKEN'], { kind: 'cut', afterBytes: middle }),
  onConnections('the stream stalls', 'STREAM', ['STREAM_STALLED'], { kind: 'stall', afterBytes: middle }),
  onConnections('no connection is accepted', 'CONNECT', ['UNREACHABLE'], { kind: 'refuse' }),
  onMessages('a byte is flipped', 'VERIFY', ['HASH_MISMATCH'], { kind: 'flip', afterBytes: middle }),
  onMessages('the trailer is stripped', 'VERIFY', ['TRAILER_MISSING'], { kind: 'strip-trailer' }),
  onMessages('the trailer is zeroed', 'VERIFY', ['HASH_MISMATCH'], { kind: 'zero-trailer' }),
  onMessages('8 KiB are missing and nobody says so', 'VERIFY', ['HASH_MISMATCH'], { kind: 'drop-middle' }),
  onMessages('the stream ends early as if all were well', 'STREAM', ['STREAM_BROKEN'], { kind: 'end-early', afterBytes: middle }),
  {
    fault: 'etcd is down', step: 'CONNECT', codes: ['UNREACHABLE'],
    begin: async () => etcd.members[0]?.kill(), end: async () => etcd.members[0]?.start(),
  },
];

const requestNow = async (): Promise<SnapshotView> => mutate(snapkeep, 'snapshotNow', { clusterId });
const failuresOf = async (snapshotId: string): Promise<readonly unknown[]> =>
  (await history(snapkeep, clusterId)).filter((entry) => entry.type === 'SnapshotPartFailed' && entry.snapshotId === snapshotId).map(({ data }) => data['failure']);
const isShownAsStored = ({ state, copies }: SnapshotView): boolean => ['TAKEN', 'PARTIAL'].includes(state) || copies.some((copy) => copy.state === 'STORED');

async function expectSound(snapshot: SnapshotView): Promise<void> {
  const file = snapshot.copies[0]?.location ?? '';
  const taken = (await history(snapkeep, clusterId)).find(({ type, snapshotId }) => type === 'SnapshotTaken' && snapshotId === snapshot.id);
  expect(taken?.data).toMatchObject({ copies: [{ storedSha256: await sha256Of(file) }] });
}

describe.each(cases)('while $fault', ({ step, codes, begin, end }) => {
  const isThisFailure = { step, code: expect.stringMatching(new RegExp(`^(${codes.join('|')})$`)) };

  test('nothing is taken, and the retry succeeds when it is over', async () => {
    await begin();
    const { id } = await requestNow();
    await untilTrue('the first attempt has failed', async () => (await failuresOf(id)).length > 0);
    const [shown] = await listSnapshots(snapkeep, clusterId);
    expect(shown && isShownAsStored(shown)).toBe(false);
    await end();
    const { outcome, snapshot } = await completionOf(snapkeep, id);
    expect({ outcome, failure: snapshot.failure }).toEqual({ outcome: 'TAKEN', failure: null });
    expect(snapshot.attempts).toBeGreaterThan(1);
    expect((await failuresOf(id))[0]).toMatchObject(isThisFailure);
    await expectSound(snapshot);
  });

  test('the snapshot fails for good when it lasts, naming the step, and leaves no file behind', async () => {
    const before = await filesBelow(snapkeep.localPath);
    await begin();
    const after = await cursorNow(snapkeep);
    const { id, name } = await requestNow();
    for await (const { snapshot } of changes(snapkeep, { clusterId, after })) {
      expect(isShownAsStored(snapshot)).toBe(false);
      expect((await filesBelow(snapkeep.localPath)).filter((file) => file.startsWith(`${clusterId}/${name}/`) && !file.endsWith('.part'))).toEqual([]);
      if (snapshot.state === 'FAILED') break;
    }
    const { outcome, snapshot } = await firstOf(completions(snapkeep, { clusterId, after }));
    expect({ id: snapshot.id, outcome, state: snapshot.state, attempts: snapshot.attempts }).toEqual({ id, outcome: 'FAILED', state: 'FAILED', attempts: attemptsInAll });
    expect(snapshot.failure).toMatchObject(isThisFailure);
    expect(await failuresOf(id)).toEqual(Array.from({ length: attemptsInAll }, () => expect.objectContaining(isThisFailure)));
    expect(await filesBelow(snapkeep.localPath)).toEqual(before);

    await end();
    const next = await completionOf(snapkeep, (await requestNow()).id);
    expect({ outcome: next.outcome, attempts: next.snapshot.attempts }).toEqual({ outcome: 'TAKEN', attempts: 1 });
    await expectSound(next.snapshot);
  });
});

test('after all the faults a snapshot restores to the same keys', async () => {
  const { snapshot } = await completionOf(snapkeep, (await requestNow()).id);
  expect(await restoredKeys(snapshot.copies[0]?.location ?? '')).toEqual(await allKeys(etcd.ctl));
});
