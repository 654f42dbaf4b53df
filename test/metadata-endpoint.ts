// What hands out credentials on an EC2 instance (IMDSv2), in a container or for a web identity (STS), for tests: the keys that the test
// chooses, as long as it chooses. Speaks all at one address, over http on loopback; whoever asks is believed.
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
  let [keys, expiration] = [first, ''];
  const handOut = (next: S3Keys, ms: number): void => {
    [keys, expiration] = [next, new Date(Date.now() + ms).toISOString()];
  };
  handOut(first, validMs);
  const credentials = () => {
    given.push(keys.accessKeyId);
    return { AccessKeyId: keys.accessKeyId, SecretAccessKey: keys.secretAccessKey, Expiration: expiration };
  };
  const asJson = (): string => JSON.stringify({ ...credentials(), Code: 'Success', Token: '' });
  const asXml = (): string => {
    const fields = Object.entries({ ...credentials(), SessionToken: '' }).map(([name, value]) => `<${name}>${value}</${name}>`).join('');
    const result = `<AssumeRoleWithWebIdentityResult><Credentials>${fields}</Credentials></AssumeRoleWithWebIdentityResult>`;
    return `<AssumeRoleWithWebIdentityResponse>${result}</AssumeRoleWithWebIdentityResponse>`;
  };
  const answers: Readonly<Record<string, () => string>> = {
    'PUT /latest/api/token': () => 'token',
    [`GET ${ROLES}/`]: () => 'role',
    [`GET ${ROLES}/role`]: asJson,
    'GET /container': asJson,
    'POST /': asXml,
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
