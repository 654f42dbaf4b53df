import { describe, expect, test } from '@jest/globals';
import { readAddress } from './server-address.js';
import { endpointRules, proxyRules } from './target-settings.js';

describe('an endpoint', () => {
  test.each([
    ['minio', 'https://minio'],
    ['minio:9000', 'https://minio:9000'],
    ['minio_1.storage:9000', 'https://minio_1.storage:9000'],
    ['http://minio:9000', 'http://minio:9000'],
    ['http://minio:9000/', 'http://minio:9000'],
    ['HTTPS://S3.Example.COM', 'https://s3.example.com'],
    ['https://s3.example.com:443', 'https://s3.example.com'],
    ['10.0.0.1:9000', 'https://10.0.0.1:9000'],
    ['[::1]', 'https://[::1]'],
    ['[2001:DB8::1]:9000', 'https://[2001:db8::1]:9000'],
    ['http://[::1]:9000', 'http://[::1]:9000'],
  ])('may be written %s', (text, origin) => {
    expect(readAddress(text, endpointRules)).toEqual({ origin, fault: null });
  });

  test.each([
    ['a path', 'https://minio:9000/backups/etcd', /path.*write https:\/\/minio:9000; bucket, folder/],
    ['a path behind a host', 'minio/backups', /write https:\/\/minio;/],
    ['a path with backslashes', 'https://minio\\backups', /write https:\/\/minio;/],
    ['a path that leads nowhere', 'https://minio/..', /write https:\/\/minio;/],
    ['a query', 'https://minio?X-Amz-Signature=hunter2', /query.*write https:\/\/minio;/],
    ['a fragment', 'minio#hunter2', /fragment/],
    ['credentials', 'https://root:hunter2@minio:9000', /user or password.*accessKey and secretKey have fields/],
    ['credentials without a scheme', 'root:hunter2@minio', /user or password/],
    ['another scheme', 's3://backups', /does not begin with http/],
    ['half a scheme', 'https:/minio', /does not begin with http/],
    ['a bare IPv6 address', '2001:db8::1', /write https:\/\/\[2001:db8::1\], or/],
    ['white space', 'mi nio', /no host/],
    ['a line break', 'minio\n', /no host/],
    ['a port beyond the last', 'minio:65536', /no host/],
    ['a port of 0', 'minio:0', /no host/],
    ['a port that is none', 'minio:http', /no host/],
    ['no host', 'https://', /no host/],
    ['an IPv6 address that is none', '[::x]', /no host/],
  ])('with %s is refused, with what to write instead', (_case, text, fault) => {
    const address = readAddress(text, endpointRules);
    expect(address).toEqual({ origin: null, fault: expect.stringMatching(fault) });
    expect(address.fault).not.toContain('hunter2');
  });
});

describe('a proxy', () => {
  test('is a URL', () => {
    expect(readAddress('http://proxy:3128', proxyRules)).toEqual({ origin: 'http://proxy:3128', fault: null });
  });
  test.each(['proxy:3128', 'proxy', '', 'socks5://proxy', 'http://ada:hunter2@proxy:3128', 'http://proxy:3128/path', 'http://proxy?x'])('is not "%s"', (text) => {
    const { fault } = readAddress(text, proxyRules);
    expect(fault).toMatch(/write/);
    expect(fault).not.toContain('hunter2');
  });
});
