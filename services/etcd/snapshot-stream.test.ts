import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { putKeys } from '../../test/etcd-keys.js';
import { startEtcd } from '../../test/etcd-process.js';
import type { TestEtcd } from '../../test/etcd-process.js';
import { startFaultProxy } from '../../test/fault-proxy.js';
import type { ConnectionFault, FaultProxy } from '../../test/fault-proxy.js';
import { startSnapshotFaultProxy } from '../../test/snapshot-fault-proxy.js';
import type { SnapshotFault } from '../../test/snapshot-fault-proxy.js';
import type { SnapshotStream } from './etcd.js';
import { openSnapshotStream } from './snapshot-stream.js';

const MIB = 2 ** 20;
const patient = 20_000;
const impatient = 300;

let etcd: TestEtcd;
let wire: FaultProxy<ConnectionFault>;
let messages: FaultProxy<SnapshotFault>;
beforeAll(async () => {
  etcd = await startEtcd();
  await putKeys(etcd.connection, { count: 3_000, valueBytes: 5_000 });
  wire = await startFaultProxy(etcd.endpoint);
  messages = await startSnapshotFaultProxy(etcd.endpoint);
});
afterEach(() => {
  wire.setFault(null);
  messages.setFault(null);
});
afterAll(async () => {
  await wire.close();
  await messages.close();
  await etcd.stop();
});

function open(endpoint: string, idleTimeoutMs = patient, signal?: AbortSignal): Promise<SnapshotStream> {
  return openSnapshotStream({ endpoint, tls: {}, token: null, idleTimeoutMs, signal });
}

async function read(stream: SnapshotStream): Promise<{ bytes: number; trailerMatches: boolean }> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  const all = Buffer.concat(pieces);
  const hash = createHash('sha256').update(all.subarray(0, -32)).digest();
  return { bytes: all.length, trailerMatches: hash.equals(all.subarray(-32)) };
}

async function failureOf(reading: Promise<unknown>): Promise<unknown> {
  return reading.then(() => 'no failure', (error: unknown) => error);
}

describe('a snapshot stream', () => {
  test('comes through both proxies untouched while they have no fault', async () => {
    for (const { endpoint } of [wire, messages]) {
      const stream = await open(endpoint);
      expect(await read(stream)).toEqual({ bytes: stream.totalBytes, trailerMatches: true });
    }
  });

  test('cut in the middle is STREAM_BROKEN, and comes whole when the fault is gone', async () => {
    wire.setFault({ kind: 'cut', afterBytes: 5 * MIB });
    const failure = await failureOf(open(wire.endpoint).then(read));
    expect(failure).toMatchObject({ name: 'EtcdError', code: 'STREAM_BROKEN' });
    expect(String(failure)).toContain(wire.endpoint);
    wire.setFault(null);
    expect(await open(wire.endpoint).then(read)).toMatchObject({ trailerMatches: true });
  });

  test('of a member that is killed in the middle is STREAM_BROKEN', async () => {
    const stream = await open(etcd.endpoint);
    await etcd.members[0]?.kill();
    expect(await failureOf(read(stream))).toMatchObject({ code: 'STREAM_BROKEN' });
    await etcd.members[0]?.start();
  });

  test('that stalls in the middle is STREAM_STALLED', async () => {
    wire.setFault({ kind: 'stall', afterBytes: 5 * MIB });
    expect(await failureOf(open(wire.endpoint, impatient).then(read))).toMatchObject({ code: 'STREAM_STALLED' });
    expect(wire.strikes()).toBeGreaterThan(0);
  });

  test('of a member that is frozen from the start is STREAM_STALLED', async () => {
    etcd.members[0]?.freeze();
    try {
      expect(await failureOf(open(etcd.endpoint, impatient))).toMatchObject({ code: 'STREAM_STALLED' });
    } finally {
      etcd.members[0]?.thaw();
    }
  });

  test('does not stall while it is the reader who takes his time', async () => {
    const stream = await open(etcd.endpoint, impatient);
    let bytes = 0;
    for await (const piece of stream) {
      if (bytes === 0) await aStallIsNoticed();
      bytes += piece.length;
    }
    expect(bytes).toBe(stream.totalBytes);
  });

  test('is held back while nobody reads it', async () => {
    const before = wire.strikes();
    wire.setFault({ kind: 'stall', afterBytes: 12 * MIB });
    const stream = await open(wire.endpoint);
    await aStallIsNoticed();
    expect(wire.strikes()).toBe(before);
    stream.cancel();
    expect(await failureOf(read(stream))).toMatchObject({ code: 'CANCELLED' });
  });

  test('refused is UNREACHABLE', async () => {
    wire.setFault({ kind: 'refuse' });
    expect(await failureOf(open(wire.endpoint))).toMatchObject({ code: 'UNREACHABLE' });
  });

  test('broken off by its reader has ended', async () => {
    const stream = await open(etcd.endpoint);
    const pieces = stream[Symbol.asyncIterator]();
    expect((await pieces.next()).done).toBe(false);
    await pieces.return?.();
    expect(await failureOf(read(stream))).toMatchObject({ code: 'CANCELLED' });
  });

  test('with a flipped byte on the wire never passes for whole', async () => {
    wire.setFault({ kind: 'flip', afterBytes: 5 * MIB + 4_321 });
    const outcome = await open(wire.endpoint).then(read).catch(() => ({ trailerMatches: false }));
    expect(outcome.trailerMatches).toBe(false);
    expect(wire.strikes()).toBeGreaterThan(0);
  });

  test('that ends early with status OK is STREAM_BROKEN', async () => {
    messages.setFault({ kind: 'end-early', afterBytes: 5 * MIB });
    expect(await failureOf(open(messages.endpoint).then(read))).toMatchObject({ code: 'STREAM_BROKEN' });
  });

  test.each<[SnapshotFault, number]>([
    [{ kind: 'strip-trailer' }, -32],
    [{ kind: 'zero-trailer' }, 0],
    [{ kind: 'flip', afterBytes: 5 * MIB }, 0],
  ])('with %o reaches the reader, whose trailer check must refuse it', async (fault, difference) => {
    messages.setFault(fault);
    const stream = await open(messages.endpoint);
    expect(await read(stream)).toEqual({ bytes: stream.totalBytes + difference, trailerMatches: false });
  });

  test('with 8 KiB missing reaches the reader as long as it says it is', async () => {
    const { totalBytes } = await open(etcd.endpoint).then((stream) => {
      stream.cancel();
      return stream;
    });
    messages.setFault({ kind: 'drop-middle' });
    expect(await open(messages.endpoint).then(read)).toEqual({ bytes: totalBytes - 8192, trailerMatches: false });
  });
});

/** The fact that the idle timeout has passed: another stream, which really stalls, has run into it. */
async function aStallIsNoticed(): Promise<void> {
  const other = await startFaultProxy(etcd.endpoint);
  other.setFault({ kind: 'stall', afterBytes: MIB });
  expect(await failureOf(open(other.endpoint, impatient).then(read))).toMatchObject({ code: 'STREAM_STALLED' });
  await other.close();
}
