import { once } from 'node:events';
import { connect } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type Service, startService } from './service.fixture.js';

const token = 'a-token-of-the-test';
let service: Service;
beforeAll(async () => {
  service = await startService({ config: { token } });
});
afterAll(() => service.stop());

/** The first line that answers an upgrade of the path; no URL parser comes between. */
async function upgrade(path: string): Promise<string> {
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  const headers = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
  socket.write([`GET ${path} HTTP/1.1`, ...headers, '', ''].join('\r\n'));
  const [answer] = await once(socket, 'data') as [string];
  socket.destroy();
  return answer.split('\r\n')[0] ?? '';
}

test.each([
  ['//', 404], ['///graphql', 404], ['/\\\\', 404], ['http://', 404], ['/graphql/', 404], ['/graphql', 101], ['/graphql?a=1', 101],
])('an upgrade of %s answers %d', async (path, status) => {
  expect(await upgrade(path)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

const planted = 'planted-swordfish';
const authorized = { authorization: `Bearer ${token}` };
const json = { 'content-type': 'application/json' };

test.each<[string, Record<string, string>, string, number, string]>([
  ['malformed JSON', { ...json, ...authorized }, `{ "password": "${planted}" ${planted}`, 400, 'BAD_REQUEST'],
  ['JSON that is no object', { ...json, ...authorized }, `"${planted}"`, 400, 'BAD_REQUEST'],
  ['a body that is too large', { ...json, ...authorized }, JSON.stringify({ query: planted.repeat(100_000) }), 413, 'BAD_REQUEST'],
  ['a charset that is not read', { 'content-type': 'application/json; charset=x-planted', ...authorized }, `{"a":"${planted}"}`, 415, 'BAD_REQUEST'],
  ['malformed JSON with a wrong token', { ...json, authorization: 'Bearer wrong' }, `{ ${planted}`, 401, 'UNAUTHENTICATED'],
])('%s is answered as JSON and not repeated', async (_case, headers, body, status, code) => {
  service.logged.length = 0;
  const answer = await fetch(service.url, { method: 'POST', headers, body });
  const text = await answer.text();
  expect(answer.status).toBe(status);
  expect(JSON.parse(text)).toEqual({ errors: [{ message: expect.any(String), extensions: { code } }] });
  expect(service.logged).toHaveLength(status === 401 ? 0 : 1);
  expect([text, ...service.logged].join('\n')).not.toMatch(/planted| at .*\.js/);
});

describe('variables that do not fit', () => {
  const printed: string[] = [];
  const { error, warn } = console;
  let client: Client;
  let closed = 0;
  beforeAll(() => {
    const keep = (...parts: unknown[]): void => void printed.push(parts.map((part) => inspect(part, { depth: 8 })).join(' '));
    Object.assign(console, { error: keep, warn: keep });
    client = createClient({
      url: service.url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams: authorized, retryAttempts: 0, lazy: false,
      on: { closed: () => { closed += 1; } },
    });
  });
  afterAll(async () => {
    await client.dispose();
    Object.assign(console, { error, warn });
  });

  const query = 'mutation ($input: RegisterClusterInput!) { registerCluster(input: $input) { userErrors { code } } }';
  const input = { id: 'prod', endpoints: ['http://127.0.0.1:2379'], username: 'root', password: planted };

  test.each([
    ['an unknown field', { ...input, pasword: planted }, /"pasword" is not defined/],
    ['a password of another type', { ...input, password: [planted] }, /"input.password"; String cannot represent/],
    ['no object', planted, /Expected type "RegisterClusterInput" to be an object/],
    ['two faults at once', { ...input, password: { planted }, username: [planted] }, /String cannot represent/],
  ])('%s is named without the value, over HTTP and WebSocket', async (_case, given, message) => {
    const variables = { input: given };
    const overHttp = await service.ask(query, variables, authorized);
    const shape = [{ message: expect.stringMatching(message), extensions: { code: 'BAD_USER_INPUT' } }];
    expect(overHttp.errors).toEqual(shape);
    const over = await client.iterate({ query, variables }).next().catch((reason: unknown) => reason);
    expect(over).toMatchObject(shape);
    expect((await client.iterate({ query: '{ cursor }' }).next()).value).toMatchObject({ data: { cursor: expect.any(String) } });
    expect(closed).toBe(0);
    expect(JSON.stringify([overHttp, over, service.logged, printed])).not.toContain(planted);
  });
});
