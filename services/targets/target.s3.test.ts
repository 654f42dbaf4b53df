import { describe } from '@jest/globals';
import { makeBucket, settingsFor } from '../../test/s3-bucket.js';
import { s3Suite } from '../../test/s3-suite.js';
import { wholeSource } from './copy-source.fixture.js';
import { targetContract } from './target.contract.js';
import { s3Target } from './target.s3.js';

await s3Suite('S3 target', (server) => {
  const { accessKeyId, secretAccessKey } = server;
  const keys = { accessKeyId, secretAccessKey };

  describe.each([['no folder', ''], ['a folder', 'backups/etcd/']])('with %s', (_, folder) => {
    for (const versioned of [false, true]) {
      targetContract(versioned ? 'a bucket that keeps versions' : 'a plain bucket', async () => {
        const bucket = await makeBucket(server, { versioned });
        const target = s3Target({ targetId: 's3', bucket: bucket.name, folder, settings: settingsFor(server), keys });
        return { target, prefix: folder, source: async (bytes) => wholeSource(bytes), dispose: () => bucket.dispose() };
      });
    }
  });
});
