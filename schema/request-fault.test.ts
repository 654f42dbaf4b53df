import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
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
