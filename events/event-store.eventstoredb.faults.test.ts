// The event store on EventStoreDB while the server fails: killed, hung, slow to start, answers lost. On the stand-in, which can be made to.
// That the real one fails so was measured. Followers are in event-store.eventstoredb.follow.test.ts.
import { describe, expect, test } from '@jest/globals';
import { setEventStoreDbScene } from '../test/eventstoredb-scene.js';
import { untilTrue } from '../test/eventual-fact.js';
import { reportSuite } from '../test/suite-report.js';
import { gather, nameOf, names, pinned, pinnedMany } from './event-samples.contract.js';

const suite = 'the EventStoreDB event store and failures of the server';
reportSuite(suite, 'stand-in for EventStoreDB');

describe(suite, () => {
  const scene = setEventStoreDbScene();
  const impatient = { callMs: 300, appendWithinMs: 600, readWithinMs: 300 };

  describe('an append', () => {
    test('whose answers are lost is repeated until one comes, and stands once', async () => {
      const store = await scene.open();
      scene.server.loseAnswers(2);
      const appended = await store.append('cluster-a', 'none', pinnedMany(2));
      expect(appended).toEqual({ revision: 1, position: await store.head() });
      expect(await names(store.readAll())).toEqual(['s0', 's1']);
    });

    test('whose answer is lost is a conflict where another writer came first', async () => {
      const store = await scene.open();
      await store.append('cluster-a', 'none', [pinned('first')]);
      scene.server.loseAnswers(1);
      await expect(store.append('cluster-a', 'none', [pinned('second')])).rejects.toMatchObject({ code: 'APPEND_CONFLICT', details: { actual: 0 } });
    });

    test('to a server that hangs is in doubt, and can be repeated with the same ids', async () => {
      const store = await scene.open(impatient);
      scene.server.hang();
      const events = pinnedMany(2);
      const before = scene.server.calls();
      await expect(store.append('cluster-a', 'none', events)).rejects.toMatchObject({
        code: 'IN_DOUBT', details: { stream: 'cluster-a', expected: 'none' }, message: expect.stringContaining(scene.server.address),
      });
      expect(scene.server.calls() - before).toBeGreaterThan(1);
      scene.server.thaw();
      expect(await store.append('cluster-a', 'none', events)).toMatchObject({ revision: 1 });
      expect(await names(store.readAll())).toEqual(['s0', 's1']);
    });

    test('waits for a server that comes back', async () => {
      const store = await scene.open();
      await scene.server.kill();
      const appending = store.append('cluster-a', 'none', [pinned('s')]);
      await scene.server.start();
      expect(await appending).toMatchObject({ revision: 0 });
    });

    test('that is under way when the store is closed ends all the same', async () => {
      const store = await scene.open(impatient);
      scene.server.hang();
      const appending = expect(store.append('cluster-a', 'none', [pinned('s')])).rejects.toMatchObject({ code: 'IN_DOUBT' });
      await store.close();
      await appending;
    });
  });

  describe('a server that does not answer', () => {
    test('is waited for at the start, and named where it does not come', async () => {
      scene.server.setReady(false);
      const opening = scene.open();
      await untilTrue('the server has been asked again', () => scene.server.calls() > 1);
      scene.server.setReady(true);
      expect((await opening).id).toMatch(/^[a-z0-9]{8}$/);
      scene.server.setReady(false);
      await expect(scene.open({ openWithinMs: 100 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining(scene.server.address) });
    });

    test('is not waited for at the start any longer once the start is given up', async () => {
      await scene.server.kill();
      const ending = new AbortController();
      const heard: string[] = [];
      const opening = scene.open({ signal: ending.signal, onInterrupted: (cause) => { heard.push(cause); } });
      const refused = expect(opening).rejects.toMatchObject({ name: 'AbortError' });
      await untilTrue('it says that it waits', () => heard.length > 0);
      ending.abort();
      await refused;
      expect(heard).toEqual([expect.stringContaining(`opening the event log at ${scene.server.address}`)]);
      await scene.server.start();
    });

    test('is waited for while reading, and named where it does not come back', async () => {
      const store = await scene.open({ readWithinMs: 1000 });
      await store.append('cluster-a', 'none', [pinned('s')]);
      await scene.server.kill();
      const reading = names(store.readStream('cluster-a'));
      await scene.server.start();
      expect(await reading).toEqual(['s']);
      await scene.server.kill();
      for (const read of [() => store.head(), () => gather(store.readAll()), () => gather(store.readStream('cluster-a'))]) {
        await expect(read()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining(scene.server.address) });
      }
      await scene.server.start();
    });

    test('has one id for all who open it first', async () => {
      const opened = await Promise.all([scene.open(), scene.open(), scene.open(), scene.open()]);
      expect(new Set(opened.map((store) => store.id)).size).toBe(1);
    });
  });

  test('a stream whose first events were truncated is named, rather than read as if they had never been', async () => {
    const store = await scene.open();
    await store.append('cluster-a', 'none', pinnedMany(4));
    scene.server.log.truncate('cluster-a', 2);
    await expect(gather(store.readStream('cluster-a'))).rejects.toMatchObject({ code: 'STORE_CORRUPT', details: { stream: 'cluster-a', revision: 0 } });
    expect(await names(store.readStream('cluster-a', 2))).toEqual(['s2', 's3']);
    expect(await names(store.readAll())).toEqual(['s0', 's1', 's2', 's3']);
  });

  describe('kill -9 under load', () => {
    test('loses, doubles and reorders nothing, for writers and followers', async () => {
      const each = 40;
      const store = await scene.open();
      scene.server.setDelay(1);
      const seen: string[] = [];
      const following = (async () => {
        for await (const followed of store.follow({ signal: scene.signal })) if (followed.kind === 'event') seen.push(nameOf(followed.event));
      })();
      let written = 0;
      const writing = Promise.all(['a', 'b', 'c', 'd'].map(async (name) => {
        for (let n = 0; n < each; n += 1) {
          await store.append(`cluster-${name}`, n === 0 ? 'none' : n - 1, [pinned(`${name}${n}`)]);
          written += 1;
        }
      }));
      for (const share of [0.1, 0.4, 0.7]) {
        await untilTrue(`${share} of all is written`, () => written >= share * 4 * each);
        await scene.restart();
      }
      await writing;
      await untilTrue('the follower has seen as much', () => seen.length >= 4 * each);
      expect(seen).toEqual(await names(store.readAll()));
      for (const name of ['a', 'b', 'c', 'd']) {
        expect(await names(store.readStream(`cluster-${name}`))).toEqual(Array.from({ length: each }, (_, n) => `${name}${n}`));
      }
      await store.close();
      await following;
    });
  });
});
