// What an encoding means: steps and names, and which recipients are refused with which advice. Encodes nothing.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { plainEncoding } from '../../events/target-events.js';
import { encodedName, isPlain, recipientFault, stepsOf } from './encoding.js';
import { ageKeys } from './encoding-tools.fixture.js';
import type { AgeKeys } from './encoding-tools.fixture.js';

const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

describe('the steps of an encoding', () => {
  test.each([
    ['NONE', [], [], 'snapshot.db', true],
    ['ZSTD', [], ['zstd'], 'snapshot.db.zst', false],
    ['NONE', [recipient], ['age'], 'snapshot.db.age', false],
    ['ZSTD', [recipient], ['zstd', 'age'], 'snapshot.db.zst.age', false],
  ] as const)('compression %s for %j are %j', (compression, ageRecipients, steps, name, plain) => {
    const encoding = { ...plainEncoding, compression, ageRecipients };
    expect(stepsOf(encoding)).toEqual(steps);
    expect(encodedName('snapshot.db', stepsOf(encoding))).toBe(name);
    expect(isPlain(encoding)).toBe(plain);
  });
});

describe('a recipient', () => {
  let keys: AgeKeys;
  beforeAll(() => {
    keys = ageKeys();
  });
  afterAll(() => keys[Symbol.dispose]());

  test('as age-keygen prints it is right', () => {
    expect(recipientFault(keys.make().recipient)).toBeNull();
    expect(recipientFault(recipient)).toBeNull();
  });

  test.each([
    ['an identity', 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX', /^This is a private key: .*age-keygen -y/],
    ['an identity in small letters', 'age-secret-key-1gfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpq4egaex', /^This is a private key/],
    ['a whole key file', '# public key: age1x\nAGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX', /^This is a private key/],
    ['an identity of a plugin', 'AGE-PLUGIN-YUBIKEY-1QYZQ5ZQ', /^This is a private key/],
    ['a private SSH key', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk', /^This is a private key/],
    ['an SSH key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW ann@host', /^SSH keys are no recipients here.*age-keygen -o/],
    ['a plugin\'s recipient', 'age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t', /plugins .* not supported.*age-keygen -o/],
    ['a post-quantum recipient', 'age1pq1qqqq', /post-quantum recipients are not supported/],
    ['a tag recipient', 'age1tag1qqqq', /not supported/],
    ['another bech32 text', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', /^This is no age recipient/],
    ['nothing', '', /^This is no age recipient/],
    ['capitals', recipient.toUpperCase(), /in capitals/],
    ['white space around it', ` ${recipient}\n`, /white space/],
    ['two at once', `${recipient} ${recipient}`, /mistyped or cut off/],
    ['one letter changed', recipient.replace('ql3z7', 'ql3z8'), /mistyped or cut off/],
    ['one cut off', recipient.slice(0, -4), /mistyped or cut off/],
  ])('that is %s is refused with advice and without its value', (_, text, advice) => {
    const fault = recipientFault(text);
    expect(fault).toMatch(advice);
    if (text !== '') expect(fault).not.toContain(text.trim());
    expect(fault).not.toMatch(/GFPYYSJ/i);
  });
});
