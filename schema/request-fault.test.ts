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
