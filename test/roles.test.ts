// The roles as processes of their own on the production stores, two of each: what one is told the others know, and one may die or wait
// without harm to the rest. Many deaths at random are in roles-kill.test.ts and roles.soak.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { putKeys } from './etcd-keys.js';
import { type TestEtcd, startEtcd } from './etcd-process.js';
import { eventually, untilTrue } from './eventual-fact.js';
import { ofType, untilSettled } from './kill-evidence.js';
import { healthOf, leads, untilReady } from './process-health.js';
import { type BreakableStores, breakableSuite } from './production-stores.js';
import { testTarget } from './s3-target-calls.js';
import {
  completionOf, completions, cursorNow, findCluster, findSnapshot, firstOf, history, listSnapshots, mutate, registerEtcd,
} from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';

const clusterId = 'shared';
const slotted = 'slotted';
/** From the plan of a slot to its instant: an outage begins within it. */
const slotAheadMs = 10_000;
/** It does within 10 s on a machine that is not busy. */
const takesOverWithinMs = 60_000;

await breakableSuite('Roles in processes of their own', (openStores) => {
  let stores: BreakableStores;
  let etcd: TestEtcd;
  let apis: readonly [Snapkeep, Snapkeep];
  let nodes: readonly [Snapkeep, Snapkeep];

  beforeAll(async () => {
    [stores, etcd] = await Promise.all([openStores(), startEtcd()]);
    await putKeys(etcd.connection, { count: 200 });
    const api = () => startSnapkeep({ ...stores.env, SNAPKEEP_ROLES: 'api,scheduler' });
    const node = (name: string) => startSnapkeep({ ...stores.env, SNAPKEEP_ROLES: 'worker,projector', SNAPKEEP_NODE_NAME: name, SNAPKEEP_PARALLEL: '1' });
    const [one, two, three, four] = await Promise.all([api(), api(), node('node-1'), node('node-2')]);
    [apis, nodes] = [[one, two], [three, four]];
    for (const id of [clusterId, slotted]) await registerEtcd(one, id, etcd.connection);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([...apis, ...nodes].map((one) => one.dispose()));
    await Promise.all([stores.dispose(), etcd.stop()]);
  });

  const requestAt = async (api: Snapkeep): Promise<string> => (await mutate(api, 'snapshotNow', { clusterId })).id;
  const workersOf = async (): Promise<unknown[]> => ofType(await history(apis[0], clusterId), 'SnapshotStarted').map(({ data }) => data['worker']);
  const slotsAsked = async (api: Snapkeep, id: string): Promise<unknown[]> => {
    const told = await history(api, id);
    return [...ofType(told, 'SnapshotRequested'), ...ofType(told, 'SnapshotSkipped')].flatMap(({ data }) => data['slot'] ?? []);
  };
  /** Of a cluster that has no other within the hour. */
  const planSlot = async (): Promise<string> => {
    const slot = new Date(Math.ceil((Date.now() + slotAheadMs) / 1000) * 1000);
    const cron = `${slot.getUTCSeconds()} ${slot.getUTCMinutes()} * * * *`;
    await mutate(apis[0], 'updatePolicy', { clusterId: slotted, recurringEnabled: true, cron });
    return slot.toISOString();
  };
  const testers = async (): Promise<[string, boolean][]> => {
    const { checks } = await testTarget(apis[1], 'local');
    const names = [...new Set(checks.map(({ ranOn }) => ranOn))].sort();
    return names.map((name) => [name, checks.filter(({ ranOn }) => ranOn === name).every(({ ok }) => ok)]);
  };

  test('what is asked of one API is shown by the other, which announces its end once its own queries show it', async () => {
    const [one, two] = apis;
    expect(await findCluster(two, clusterId)).toEqual(await findCluster(one, clusterId));
    const after = await cursorNow(two);
    const announced = firstOf(completions(two, { clusterId, after }));
    const id = await requestAt(one);
    const { outcome, snapshot } = await announced;
    expect([outcome, snapshot.id, snapshot.state]).toEqual(['TAKEN', id, 'TAKEN']);
    expect(await findSnapshot(two, id)).toEqual(snapshot);
    expect(await listSnapshots(one, clusterId)).toEqual([snapshot]);
  });

  test('a process without the API answers for its health, and serves nothing else', async () => {
    const [node] = nodes;
    const { live, ready, parts } = await healthOf(node);
    expect({ live, ready, names: Object.keys(parts).sort() }).toEqual({ live: true, ready: true, names: ['databases', 'eventLog', 'projector', 'worker'] });
    expect((await fetch(new URL('/graphql', node.url()), { method: 'POST' })).status).toBe(404);
  });

  test('a second process on the same data directory is refused by name', async () => {
    await expect(startSnapkeep({ ...stores.env, SNAPKEEP_DATA_DIR: nodes[0].dataDir })).rejects.toThrow(/another process has it; give each process its own by SNAPKEEP_DATA_DIR/);
    expect((await healthOf(nodes[0])).ready).toBe(true);
  });

  test('both workers take of the requests', async () => {
    await eventually('both have taken one', async () => {
      const ids = await Promise.all([requestAt(apis[0]), requestAt(apis[1]), requestAt(apis[0]), requestAt(apis[1])]);
      await Promise.all(ids.map((id) => completionOf(apis[1], id)));
      return new Set(await workersOf()).size === 2 || undefined;
    });
    expect(new Set(await workersOf())).toEqual(new Set(['node-1', 'node-2']));
  });

  test('two schedulers ask for each slot once', async () => {
    const [one, two] = apis;
    await mutate(one, 'updatePolicy', { clusterId, recurringEnabled: true, cron: '*/2 * * * * *' });
    await untilTrue('several slots have come', async () => (await slotsAsked(two, clusterId)).length >= 5);
    await mutate(two, 'updatePolicy', { clusterId, recurringEnabled: false });
    await untilSettled(one, [clusterId]);
    const slots = await slotsAsked(two, clusterId);
    expect(new Set(slots).size).toBe(slots.length);
    const listed = (await listSnapshots(one, clusterId)).flatMap(({ slot }) => slot ?? []);
    expect(new Set(listed).size).toBe(listed.length);
  });

  test('a target is tested by every live worker; one that was killed is named, while the other projects, works and answers', async () => {
    expect(await testers()).toEqual([['node-1', true], ['node-2', true]]);
    const [leader, other] = await eventually('one leads', async () => (await leads(nodes[0]) ? nodes : await leads(nodes[1]) ? [nodes[1], nodes[0]] : undefined));
    if (leader === undefined || other === undefined) throw new Error('unreachable: one leads');
    expect((await healthOf(other)).parts['projector']).toEqual({ ok: true, message: 'stands by: another process does the work' });

    await leader.kill9();
    await untilTrue('the other leads', () => leads(other), { withinMs: takesOverWithinMs });
    expect((await completionOf(apis[1], await requestAt(apis[0]))).outcome).toBe('TAKEN');
    const [killedName, otherName] = leader === nodes[0] ? ['node-1', 'node-2'] : ['node-2', 'node-1'];
    expect(new Map(await testers())).toEqual(new Map([[killedName, false], [otherName, true]]));

    await leader.start();
    expect(await testers()).toEqual([['node-1', true], ['node-2', true]]);
  }, 120_000);

  test.each([
    { database: 'MongoDB', part: 'databases', take: async () => stores.mongo.setFault({ kind: 'refuse' }), giveBack: async () => stores.mongo.setFault(null) },
    { database: 'EventStoreDB', part: 'eventLog', take: () => stores.events.kill(), giveBack: () => stores.events.start() },
  ])('processes that lose $database say so, wait, go on without a restart, and make up for the slot that came meanwhile', async ({ part, take, giveBack }) => {
    const all = [...apis, ...nodes];
    const starts = () => all.map((one) => one.log().match(/"msg":"starting"/g)?.length);
    const before = starts();
    const slot = await planSlot();
    await take();
    for (const one of all) {
      const { live } = await eventually('it says what is away', async () => {
        const health = await healthOf(one);
        return !health.ready && health.parts[part]?.ok === false ? health : undefined;
      });
      expect(live).toBe(true);
    }
    await untilTrue('a scheduler cannot ask for the slot', async () => {
      const told = await Promise.all(apis.map(healthOf));
      return told.some(({ parts }) => parts['scheduler']?.message.includes(`cannot schedule cluster ${slotted}`));
    }, { withinMs: 60_000 });
    await giveBack();
    await untilReady(all);
    await untilTrue('the slot is asked for', async () => (await slotsAsked(apis[1], slotted)).includes(slot), { withinMs: 90_000 });
    expect(all.every((one) => one.isRunning())).toBe(true);
    expect(starts()).toEqual(before);
    const after = await cursorNow(apis[1]);
    const announced = firstOf(completions(apis[1], { clusterId, after }));
    const id = await requestAt(apis[0]);
    expect(await announced).toMatchObject({ outcome: 'TAKEN', snapshot: { id } });
    await untilSettled(apis[0], [slotted]);
    await untilReady(all);
    expect((await slotsAsked(apis[1], slotted)).filter((one) => one === slot)).toEqual([slot]);
  }, 240_000);

  test('told to stop, every process ends well', async () => {
    expect(await Promise.all([...apis, ...nodes].map((one) => one.stop()))).toEqual([0, 0, 0, 0]);
  });
});
