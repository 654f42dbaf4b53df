import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, untilTrue } from '../../test/eventual-fact.js';
import { startMetadataEndpoint } from '../../test/metadata-endpoint.js';
import type { MetadataEndpoint } from '../../test/metadata-endpoint.js';
import { makeBucket, settingsFor } from '../../test/s3-bucket.js';
import type { TestBucket } from '../../test/s3-bucket.js';
import { addS3Keys } from '../../test/s3-server.js';
import { s3Suite } from '../../test/s3-suite.js';
import { heldSource, readUpTo, wholeSource } from './copy-source.fixture.js';
import { FIRST } from './target.contract.js';
import type { Target } from './target.js';
import { s3Target } from './target.s3.js';

const PART = Buffer.alloc(8 * 1024 * 1024, 'part');
const never = new AbortController().signal;
/** The SDK takes what is valid for less than five minutes as expired, and asks again. */
const SOON = 5 * 60_000 + 1_000;
const LONG = 3_600_000;
const CLEAN = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_EC2_METADATA_DISABLED: 'true' };

await s3Suite('S3 credentials of the process', (server) => {
  const before = { ...process.env };
  let bucket: TestBucket;
  let endpoint: MetadataEndpoint;
  let target: Target;
  let folder: string;
  let tokenFile: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snapkeep-s3-credentials-'));
    tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'token');
  });
  afterAll(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    for (const name of Object.keys(process.env).filter((each) => each.startsWith('AWS_'))) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, CLEAN);
    [bucket, endpoint] = await Promise.all([makeBucket(server), startMetadataEndpoint(server, SOON)]);
    // Without a region, which is asked for with the credentials that have to be found first.
    target = s3Target({ targetId: 's3', bucket: bucket.name, folder: '', settings: { ...settingsFor(server), region: null }, keys: null });
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env).filter((each) => each.startsWith('AWS_'))) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
    await Promise.all([endpoint.close(), bucket.dispose()]);
  });

  const sources = [
    ['the instance metadata', /^from the instance metadata, valid until \d{4}-/, () => ({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint.url })],
    ['the container', /^from the container \(.*\), valid until \d{4}-/, () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint.url}/container` })],
    ['a web identity', /^from a web identity \(AWS_WEB_IDENTITY_TOKEN_FILE\), valid until \d{4}-/, () => ({
      AWS_ENDPOINT_URL_STS: endpoint.url, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/snapkeep', AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    })],
  ] as const;

  describe.each(sources)('from %s', (_, message, environment) => {
    beforeEach(() => { Object.assign(process.env, environment()); });

    test('are used, and a check says where they come from and until when', async () => {
      const { keys } = await target.store(FIRST, wholeSource(PART), never);
      expect(await target.present(keys)).toBe(true);
      const checks = await target.check(never);
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(checks.find((check) => check.name === 'credentials')?.message).toMatch(message);
    });

    (server.admin === null ? test.skip : test)('are refreshed before they expire, in the middle of an upload that goes on', async () => {
      const old = await addS3Keys(server);
      const next = await addS3Keys(server);
      endpoint.handOut(old, SOON);
      const source = heldSource(4 * PART.length);
      const stored = target.store(FIRST, source, never);
      stored.catch(() => undefined);
      source.feed(PART);
      source.feed(PART);
      await untilTrue('a part is on its way', async () => (await bucket.uploads()).length === 1);
      endpoint.handOut(next, LONG);
      await eventually('the new keys are fetched', async () => {
        await target.present([{ key: 'x', versionId: null }]);
        return endpoint.handedOut(next.accessKeyId) > 0 || undefined;
      });
      await readUpTo(source, 2 * PART.length);
      await old.remove();
      source.feed(PART);
      source.feed(PART);
      source.verify();
      expect((await stored).storedSize).toBe(4 * PART.length);
      await next.remove();
    });
  });

  test('from the environment are used too', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey });
    const credentials = (await target.check(never)).find(({ name }) => name === 'credentials');
    expect(credentials).toEqual({ name: 'credentials', ok: true, message: 'from the environment (AWS_ACCESS_KEY_ID)', remedy: null });
  });

  test('that are nowhere are CREDENTIALS_MISSING, with what was tried', async () => {
    const failure = { code: 'CREDENTIALS_MISSING', message: expect.stringMatching(/AWS_ACCESS_KEY_ID.*web identity.*container.*instance metadata/) };
    await expect(target.preflight(1)).rejects.toMatchObject({ step: 'PREFLIGHT', ...failure });
    await expect(target.store(FIRST, wholeSource(PART), never)).rejects.toMatchObject({ step: 'COMMIT', ...failure });
    const failed = (await target.check(never)).find(({ ok }) => !ok);
    expect(failed).toMatchObject({ name: 'credentials', remedy: expect.stringContaining('Give it a role') });
  });

  test('that appear later are found then', async () => {
    await expect(target.preflight(1)).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' });
    Object.assign(process.env, sources[1][2]());
    await expect(target.preflight(1)).resolves.toBeUndefined();
  });
});
