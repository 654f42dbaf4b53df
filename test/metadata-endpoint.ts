// What hands out credentials on an EC2 instance (IMDSv2) or in a container, for tests: the keys that the test chooses, as long as it chooses.
// Speaks both at one address, over http on loopback.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { portOf } from './fault-proxy.js';
import type { S3Keys } from './s3-server.js';

export interface MetadataEndpoint {
  readonly url: string;
  /** From now on. */
  handOut(keys: S3Keys, validMs: number): void;
  /** How often credentials with this access key were handed out. */
  handedOut(accessKeyId: string): number;
  close(): Promise<void>;
}

const ROLES = '/latest/meta-data/iam/security-credentials';

export async function startMetadataEndpoint(first: S3Keys, validMs: number): Promise<MetadataEndpoint> {
  const given: string[] = [];
  let credentials = (): object => ({});
  const handOut = (keys: S3Keys, ms: number): void => {
    const Expiration = new Date(Date.now() + ms).toISOString();
    credentials = () => {
      given.push(keys.accessKeyId);
      return { Code: 'Success', AccessKeyId: keys.accessKeyId, SecretAccessKey: keys.secretAccessKey, Token: '', Expiration };
    };
  };
  handOut(first, validMs);
  const answers: Readonly<Record<string, () => string>> = {
    'PUT /latest/api/token': () => 'token',
    [`GET ${ROLES}/`]: () => 'role',
    [`GET ${ROLES}/role`]: () => JSON.stringify(credentials()),
    'GET /container': () => JSON.stringify(credentials()),
  };
  const server = createServer((request, response) => {
    const answer = answers[`${request.method} ${request.url}`];
    request.resume().on('end', () => response.writeHead(answer === undefined ? 404 : 200).end(answer?.()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    handOut,
    handedOut: (accessKeyId) => given.filter((each) => each === accessKeyId).length,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
