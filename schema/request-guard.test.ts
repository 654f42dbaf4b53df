import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { type Service, startService, subscriber } from './service.fixture.js';

const token = 'a-token-of-the-test';
let service: Service;
beforeAll(async () => {
  service = await startService({ config: { token, origins: ['https://backup.example'] } });
});
afterAll(() => service.stop());

/** fetch sets Host and Origin itself; this does not. */
async function get(path: string, headers: Record<string, string>): Promise<number | undefined> {
  const sent = request(new URL(path, service.url), { headers });
  sent.end();
  const [response] = await once(sent, 'response') as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

const authorized = { authorization: `Bearer ${token}` };
const QUERY = '/graphql?query=%7Bcursor%7D';
const json = { 'apollo-require-preflight': 'yes' };

describe('Host and Origin', () => {
  test.each([
    ['a loopback host', {}, 200],
    ['localhost', { host: 'localhost:1234' }, 200],
    ['a configured host', { host: 'backup.example' }, 200],
    ['a foreign host', { host: 'evil.example' }, 403],
    ['a host that only begins like loopback', { host: '127.0.0.1.evil.example' }, 403],
    ['its own origin', { host: 'localhost:4000', origin: 'http://localhost:4000' }, 200],
    ['a configured origin', { origin: 'https://backup.example' }, 200],
    ['a foreign origin', { origin: 'https://evil.example' }, 403],
    ['another port of this machine', { host: 'localhost:4000', origin: 'http://localhost:3000' }, 403],
    ['the origin null', { origin: 'null' }, 403],
  ])('%s', async (_case, headers, status) => {
    expect(await get(QUERY, { ...json, ...authorized, ...headers })).toBe(status);
  });

  test.each([['origin', 'https://evil.example'], ['host', 'evil.example']])('an upgrade with a foreign %s is refused', async (name, value) => {
    const socket = new WebSocket(service.url.replace('http', 'ws'), 'graphql-transport-ws', { headers: { ...authorized, [name]: value } });
    const [error] = await once(socket, 'error') as [Error];
    expect(error.message).toMatch(/403/);
  });
});

test.each(['/health/live', '/health/ready'])('%s is answered under any host, as a probe asks by the IP of the pod', async (path) => {
  expect(await get(path, { host: '10.42.0.7:8080' })).toBe(200);
});

describe('the token', () => {
  test.each([
    ['none', {}, 401],
    ['a wrong one', { authorization: 'Bearer wrong' }, 401],
    ['the right one', authorized, 200],
  ])('over HTTP: %s', async (_case, headers, status) => {
    expect(await get(QUERY, { ...json, ...headers })).toBe(status);
  });

  test.each(['/health/live', '/health/ready', '/'])('%s needs none', async (path) => {
    expect(await get(path, { accept: 'text/html' })).toBe(200);
  });

  test('over WebSocket it comes as a connection parameter', async () => {
    const client = subscriber(service.url, { authorization: `Bearer ${token}` });
    expect((await client.iterate({ query: '{ cursor }' }).next()).value).toMatchObject({ data: { cursor: expect.any(String) } });
    await client.dispose();
  });

  test('over WebSocket it may come in the header', async () => {
    const socket = new WebSocket(service.url.replace('http', 'ws'), 'graphql-transport-ws', { headers: authorized });
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    const [message] = await once(socket, 'message');
    expect(String(message)).toContain('connection_ack');
    socket.close();
  });

  test('over WebSocket a wrong one closes the connection as forbidden', async () => {
    const client = subscriber(service.url, { authorization: 'Bearer wrong' });
    await expect(client.iterate({ query: '{ cursor }' }).next()).rejects.toMatchObject({ code: 4403 });
  });
});
