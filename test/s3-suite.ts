// Registers tests that need the real S3 server; where none can be had they are reported as skipped, by name and with the reason.
// The server itself is in s3-server.ts, which the bench uses too.
import { describe, test } from '@jest/globals';
import { sharedS3Server } from './s3-server.js';
import type { S3Server } from './s3-server.js';
import { reportSuite } from './suite-report.js';

/** To be awaited at the top of a test file. */
export async function s3Suite(name: string, register: (server: S3Server) => void): Promise<void> {
  const server = await sharedS3Server();
  reportSuite(name, 'endpoint' in server ? server.kind : null);
  if ('endpoint' in server) describe(name, () => { register(server); });
  else test.skip(`${name} (${server.unavailable})`, () => undefined);
}
