import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Client } from 'graphql-ws';
import { begin, fail, registered, requested, type Service, startService, subscriber, succeed } from './service.fixture.js';

let service: Service;
let client: Client;
beforeEach(async () => {
  service = await startService();
  client = subscriber(service.url);
  await registered(service, 'prod');
});
afterEach(async () => {
  await client.dispose();
  await service.stop();
});

const COMPLETED = 'subscription ($id: ID, $after: String) { snapshotCompleted(snapshotId: $id, after: $after) { cursor outcome snapshot { id state copies { target { id } storedSha256 } } } }';
const CHANGED = 'subscription ($after: String, $cluster: ID) { snapshotChanged(after: $after, clusterId: $cluster) { cursor snapshot { id state progress { bytes totalBytes } } } }';

interface Message { readonly cursor: string; readonly outcome?: string; readonly snapshot: { readonly id: string; readonly state: string } }

/** The next messages of a subscription, which then is left. */
async function take(subscription: AsyncIterableIterator<{ data?: unknown; errors?: unknown }>, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const { data, errors } of subscription) {
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    messages.push(...Object.values(data as Record<string, Message>));
    if (messages.length === count) break;
  }
  return messages;
}

const completed = (variables: Record<string, unknown>, from = client) => from.iterate({ query: COMPLETED, variables });
const changed = (variables: Record<string, unknown>, from = client) => from.iterate({ query: CHANGED, variables });

describe('snapshotCompleted', () => {
  test('announces the end of a snapshot, with what queries show', async () => {
    const { id, cursor } = await requested(service, 'prod');
    const messages = take(completed({ after: cursor }), 1);
    await begin(service, id);
    await succeed(service, id);
    expect(await messages).toEqual([{
      cursor: expect.any(String), outcome: 'TAKEN',
      snapshot: { id, state: 'TAKEN', copies: [{ target: { id: 'local' }, storedSha256: 'cd'.repeat(32) }] },
    }]);
  });

  test('announces a failure as FAILED', async () => {
    const { id, cursor } = await requested(service, 'prod');
    await begin(service, id);
    await fail(service, id);
    expect(await take(completed({ after: cursor }), 1)).toMatchObject([{ outcome: 'FAILED', snapshot: { id, state: 'FAILED' } }]);
  });

  test('with a snapshot that has ended and no cursor, sends its end at once and completes', async () => {
    const { id } = await requested(service, 'prod');
    await begin(service, id);
    await succeed(service, id);
    expect(await take(completed({ id }), 2)).toMatchObject([{ outcome: 'TAKEN', snapshot: { id } }]);
  });

  test('resumes behind a cursor without gap or repeat, also after a restart of the service', async () => {
    const first = await requested(service, 'prod');
    const start = first.cursor;
    await begin(service, first.id);
    await succeed(service, first.id);
    const [seen] = await take(completed({ after: start }), 1);
    const { directory } = service;
    await client.dispose();
    await service.stop({ keepFiles: true });

    service = await startService({ directory });
    client = subscriber(service.url);
    const second = await requested(service, 'prod');
    await begin(service, second.id);
    await fail(service, second.id);
    expect((await take(completed({ after: seen?.cursor }), 1)).map(({ snapshot }) => snapshot.id)).toEqual([second.id]);
    expect((await take(completed({ after: start }), 2)).map(({ snapshot }) => snapshot.id)).toEqual([first.id, second.id]);
  });

  test.each([
    ['a cursor of another store', { after: Buffer.from('elsewhere:00000000000000000001').toString('base64url') }, 'after', /another event store/],
    ['what is no cursor', { after: 'hello' }, 'after', /not a cursor/],
    ['an unknown snapshot', { id: 'prod.nothing' }, 'snapshotId', /no snapshot/],
  ])('refuses %s by name', async (_case, variables, argument, message) => {
    expect((await completed(variables).next()).value).toMatchObject({
      errors: [{ message: expect.stringMatching(message), extensions: { code: 'BAD_USER_INPUT', argument } }],
    });
  });
});

describe('snapshotChanged', () => {
  test('shows every step of the asked cluster, and resumes in the middle', async () => {
    await registered(service, 'other');
    const start = (await service.ask('{ cursor }')).data['cursor'];
    const { id } = await requested(service, 'prod');
    await requested(service, 'other');
    await begin(service, id);
    await succeed(service, id);
    const all = await take(changed({ after: start, cluster: 'prod' }), 4);
    expect(new Set(all.map(({ snapshot }) => snapshot.id))).toEqual(new Set([id]));
    expect(new Set(all.map(({ cursor }) => cursor)).size).toBe(4);
    const rest = await take(changed({ after: all[1]?.cursor, cluster: 'prod' }), 2);
    expect(rest.map(({ cursor }) => cursor)).toEqual(all.slice(2).map(({ cursor }) => cursor));
  });
});

test('a message waits for the read store, and leaving ends the wait', async () => {
  await client.dispose();
  const { directory } = service;
  await service.stop({ keepFiles: true });
  service = await startService({ directory, isProjecting: false, config: { readWaitMs: 1 } });
  client = subscriber(service.url);
  const start = (await service.ask('{ cursor }')).data['cursor'];
  const { id } = await requested(service, 'prod');
  const subscription = changed({ after: start });
  const message = subscription.next();
  expect((await service.readStore.snapshot(id))).toBeNull();
  const stopping = new AbortController();
  const projecting = service.projector.run(stopping.signal);
  expect((await message).value).toMatchObject({ data: { snapshotChanged: { snapshot: { id } } } });
  await subscription.return?.();
  stopping.abort();
  await projecting;
});
