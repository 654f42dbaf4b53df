// The policy that docs/s3.md gives to operators: a user who has these rights and no others can do all that a target does, and not without them.
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { type TestBucket, makeBucket, settingsFor } from '../../test/s3-bucket.js';
import { administer } from '../../test/s3-server.js';
import { s3Suite } from '../../test/s3-suite.js';
import { wholeSource } from './copy-source.fixture.js';
import { FIRST, SECOND } from './target.contract.js';
import { s3Target } from './target.s3.js';

interface Statement { readonly Effect: string; readonly Action: readonly string[]; readonly Resource: string }
interface Policy { readonly Version: string; readonly Statement: readonly Statement[] }

const guide = readFileSync(new URL('../../docs/s3.md', import.meta.url), 'utf8');
const policy = JSON.parse(/```json\n([^]*?)```/.exec(guide)?.[1] ?? '') as Policy;
/** Of the policy, what a Ceph gateway asks for: there whoever stored an object may read it, and a version is deleted by a right of its own. */
const always = ['s3:ListBucket', 's3:ListBucketMultipartUploads', 's3:PutObject', 's3:AbortMultipartUpload'];
const needed = { plain: [...always, 's3:DeleteObject'], versioned: [...always, 's3:ListBucketVersions', 's3:DeleteObjectVersion'] };
const never = new AbortController().signal;

await s3Suite('Least privilege in S3', (server) => {
  const [uid, accessKeyId, secretAccessKey] = [4, 10, 20].map((length) => `limited${randomBytes(length).toString('hex')}`);
  const user = { uid: uid ?? '', accessKeyId: accessKeyId ?? '', secretAccessKey: secretAccessKey ?? '' };
  const policed = server.admin === null ? describe.skip : describe;

  policed.each([['plain bucket', needed.plain, false], ['bucket that keeps versions', needed.versioned, true]])('in a %s', (_, rights, versioned) => {
    let bucket: TestBucket;
    beforeAll(async () => {
      bucket = await makeBucket(server, { versioned });
      const keys = ['--access-key', user.accessKeyId, '--secret-key', user.secretAccessKey];
      await administer(server, 'user', 'create', '--uid', user.uid, '--display-name', 'Limited', ...keys);
    });
    afterAll(async () => {
      await bucket.dispose();
      await administer(server, 'user', 'rm', '--uid', user.uid);
    });

    const allow = async (wanted: (action: string) => boolean): Promise<void> => {
      const Statement = policy.Statement.map(({ Effect, Action, Resource }) => ({
        Effect, Action: Action.filter(wanted), Principal: { AWS: [`arn:aws:iam:::user/${user.uid}`] }, Resource: Resource.replace('etcd-backups', bucket.name),
      }));
      await bucket.client.send(new PutBucketPolicyCommand({ Bucket: bucket.name, Policy: JSON.stringify({ ...policy, Statement }) }));
    };
    /** All that a target does in its life; rejects where it may not. */
    const live = async (): Promise<void> => {
      const settings = { ...settingsFor(server), region: null };
      const target = s3Target({ targetId: 's3', bucket: bucket.name, folder: 'shop/', settings, keys: user });
      const refused = (await target.check(never)).filter(({ ok }) => !ok);
      if (refused.length > 0) throw new Error(refused.map(({ name, message }) => `${name}: ${message ?? ''}`).join('; '));
      const content = Buffer.alloc(17_000_000, 'database');
      await target.sweep(FIRST);
      const { keys } = await target.store(FIRST, wholeSource(content), never);
      expect(await target.present(keys)).toBe(true);
      for (const key of keys.slice(0, 1)) expect((await buffer(await target.read(key))).equals(content)).toBe(true);
      await target.remove(keys);
      await bucket.beginUpload(`shop/${SECOND.folder}/snapshot.db`);
      await bucket.put(`shop/${SECOND.folder}/manifest.json`);
      await target.sweep(SECOND);
      expect([await bucket.objects(), await bucket.uploads()]).toEqual([[], []]);
    };

    test('it is enough', async () => {
      await allow(() => true);
      await live();
    });

    test.each(rights)('%s is needed', async (action) => {
      await allow((other) => other !== action);
      await expect(live()).rejects.toThrow();
    });
  });
});
