// How a follower of EventStoreDB goes on over lost connections, and where it stops by name. On the stand-in for EventStoreDB.
// What every follower must do is in the contract.
import { describe, expect, jest, test } from '@jest/globals';
import { setEventStoreDbScene } from '../test/eventstoredb-scene.js';
import { untilTrue } from '../test/eventual-fact.js';
import { startFaultProxy } from '../test/fault-proxy.js';
import { noLeader, proxyNotFound, unauthenticated } from '../test/services/eventstoredb/eventstoredb-refusals.js';
import { reportSuite } from '../test/suite-report.js';
import { gather, label, names, pinned, pinnedMany } from './event-samples.contract.js';
import { openEventStoreDb } from './event-store.eventstoredb.js';

const suite = 'followers of EventStoreDB and failures of the server';
reportSuite(suite, 'stand-in for EventStoreDB');

describe(suite, () => {
  const scene = setEventStoreDbScene();

  describe('a follower', () => {
    test('is caught up only when everything before has been handed out, however slow its consumer', async () => {
      const store = await scene.open();
      await store.append('cluster-a', 'none', pinnedMany(100));
      const labels: string[] = [];
      for await (const followed of store.follow({ signal: scene.signal })) {
        labels.push(label(followed));
        if (followed.kind === 'caught-up') break;
        // Each at its own call of the server, so that the client reads ahead.
        await store.head();
      }
      expect(labels).toEqual([...Array.from({ length: 100 }, (_, n) => `s${n}`), 'caught-up']);
    });

    test('goes on behind the event its consumer works on while the server is killed, and is caught up again', async () => {
      const interruptions: string[] = [];
      const store = await scene.open({ onInterrupted: (cause) => interruptions.push(cause) });
      await store.append('cluster-a', 'none', pinnedMany(50));
      const followed = scene.follow(store);
      expect(await scene.take(followed, 3)).toEqual(['s0', 's1', 's2']);
      await scene.restart();
      await scene.restart();
      await store.append('cluster-a', 49, [pinned('later')]);
      expect(await scene.take(followed, 49)).toEqual([...Array.from({ length: 47 }, (_, n) => `s${n + 3}`), 'later', 'caught-up']);
      await scene.restart();
      expect(await scene.take(followed, 1)).toEqual(['caught-up']);
      expect(interruptions.length).toBeGreaterThan(0);
      expect(interruptions[0]).toContain(scene.server.address);
    });

    test('whose connection dies without a word notices, and comes back', async () => {
      // The client warns of an interval so short.
      const warned = jest.spyOn(console, 'warn').mockReturnValue(undefined);
      const proxy = await startFaultProxy(`http://${scene.server.address}`);
      const store = await openEventStoreDb(`esdb://${proxy.endpoint.slice('http://'.length)}?tls=false&keepAliveInterval=300&keepAliveTimeout=300`);
      const followed = scene.follow(store);
      expect(await scene.take(followed, 1)).toEqual(['caught-up']);
      proxy.setFault({ kind: 'stall', afterBytes: 0 });
      await proxy.nextStrike();
      proxy.setFault(null);
      const other = await scene.open();
      await other.append('cluster-a', 'none', [pinned('s')]);
      expect(await scene.take(followed, 2)).toEqual(['s', 'caught-up']);
      await store.close();
      await proxy.close();
      expect(warned).toHaveBeenCalled();
    });

    test.each([
      ['that has no leader', noLeader()], ['behind a proxy that does not find it', proxyNotFound()],
    ])('waits for a server %s, and goes on', async (_, refusal) => {
      const interruptions: string[] = [];
      const store = await scene.open({ onInterrupted: (cause) => interruptions.push(cause) });
      const followed = scene.follow(store);
      expect(await scene.take(followed, 1)).toEqual(['caught-up']);
      scene.server.setRefusal(refusal);
      const before = scene.server.calls();
      await scene.restart();
      const next = scene.take(followed, 2);
      await Promise.race([next, untilTrue('it has asked again and again', () => scene.server.calls() > before + 2)]);
      scene.server.setRefusal(null);
      await store.append('cluster-a', 'none', [pinned('s')]);
      expect((await next).sort()).toEqual(['caught-up', 's']);
      expect(interruptions).toHaveLength(1);
    });

    test('stops at a server that refuses the user from now on', async () => {
      const store = await scene.open();
      const followed = scene.follow(store);
      expect(await scene.take(followed, 1)).toEqual(['caught-up']);
      scene.server.setRefusal(unauthenticated());
      await scene.restart();
      await expect(scene.take(followed, 1)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    });

    test('passes over what other programs and the server itself write', async () => {
      const store = await scene.open();
      const foreign = { id: crypto.randomUUID(), type: 'Theirs', contentType: 'application/json', data: Buffer.from('{}'), metadata: new Uint8Array() };
      for (let n = 0; n < 2500; n += 1) scene.server.log.append('theirs', n - 1, [foreign]);
      scene.server.log.append('cluster-a', -1, [{ ...foreign, type: '$streamDeleted' }]);
      await store.append('cluster-b', 'none', [pinned('ours')]);
      scene.server.log.append('theirs', 2499, [foreign]);
      expect(await scene.take(scene.follow(store), 2)).toEqual(['ours', 'caught-up']);
      expect([await names(store.readAll()), await store.head()]).toEqual([['ours'], (await gather(store.readAll()))[0]?.position]);
    });

    test.each([
      ['a version that it does not know', { version: 2, time: '', actor: '', $correlationId: '', $causationId: '' }, 'EVENT_VERSION_UNKNOWN'],
      ['metadata that are not ours', {}, 'EVENT_UNDECODABLE'],
    ])('stops at %s, naming it, and so does every reader', async (_, envelope, code) => {
      const store = await scene.open();
      await store.append('cluster-a', 'none', [pinned('s')]);
      const [data, metadata] = [Buffer.from('{"snapshotId":"x"}'), Buffer.from(JSON.stringify(envelope))];
      scene.server.log.append('cluster-a', 0, [{ id: crypto.randomUUID(), type: 'SnapshotPinned', contentType: 'application/json', data, metadata }]);
      const position = scene.server.log.records.at(-1)?.position.toString().padStart(20, '0');
      for (const reader of [store.readStream('cluster-a'), store.readAll(), store.follow({ signal: scene.signal })]) {
        await expect(gather<unknown>(reader)).rejects.toMatchObject({
          code, details: { stream: 'cluster-a', revision: 1, position: `${position}-${position}`, type: 'SnapshotPinned' },
        });
      }
    });
  });

  describe('a server that comes back with another database', () => {
    // The record that the server writes at each start comes to lie where the event was, or before.
    test.each([
      ['an older copy of it', 1], ['a much older one', 2], ['an empty one', 5],
    ])('%s stops a follower by name, and a reader from a position that is gone', async (_, lost) => {
      const store = await scene.open();
      await store.append('cluster-a', 'none', [pinned('s')]);
      const { position } = await store.append('cluster-a', 0, [pinned('t')]);
      const followed = scene.follow(store);
      expect(await scene.take(followed, 3)).toEqual(['s', 't', 'caught-up']);
      await scene.restart(() => scene.server.log.setBack(Math.max(0, scene.server.log.records.length - lost)));
      await expect(scene.take(followed, 1)).rejects.toMatchObject({ code: 'POSITION_FOREIGN', details: { position } });
      await expect(scene.take(scene.follow(store, position), 1)).rejects.toMatchObject({ code: 'POSITION_FOREIGN' });
      await expect(gather(store.readAll(position))).rejects.toMatchObject({ code: 'POSITION_FOREIGN', message: expect.stringContaining(position) });
    });

    test('an empty one stops a follower that has seen no event yet, too', async () => {
      const store = await scene.open();
      const followed = scene.follow(store);
      expect(await scene.take(followed, 1)).toEqual(['caught-up']);
      await scene.restart(() => scene.server.log.setBack(0));
      await scene.open();
      await expect(scene.take(followed, 1)).rejects.toMatchObject({ code: 'POSITION_FOREIGN', message: expect.stringContaining(store.id) });
    });

    test('an older copy that has grown again stops a follower that has seen what was there before', async () => {
      const store = await scene.open();
      await store.append('cluster-a', 'none', [pinned('s')]);
      const followed = scene.follow(store);
      expect(await scene.take(followed, 2)).toEqual(['s', 'caught-up']);
      await scene.restart(() => {
        const [mark, identity, event] = scene.server.log.records;
        scene.server.log.setBack(2);
        if (event) scene.server.log.append('cluster-a', -1, [{ ...event, id: crypto.randomUUID() }]);
        expect([mark?.type, identity?.type]).toEqual(['$epoch-information', 'LogCreated']);
      });
      await expect(scene.take(followed, 1)).rejects.toMatchObject({ code: 'POSITION_FOREIGN' });
    });

    test('a position between two events is refused too', async () => {
      const store = await scene.open();
      const { position } = await store.append('cluster-a', 'none', [pinned('s')]);
      await store.append('cluster-a', 0, [pinned('t')]);
      const beside = position.replaceAll(/\d{20}/g, (digits) => String(BigInt(digits) + 1n).padStart(20, '0'));
      await expect(scene.take(scene.follow(store, beside), 1)).rejects.toMatchObject({ code: 'POSITION_FOREIGN' });
      await expect(gather(store.readAll(beside))).rejects.toMatchObject({ code: 'POSITION_FOREIGN' });
    });
  });
});
