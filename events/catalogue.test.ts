// The gate between stored bytes and events: every version that was ever written decodes for ever.
// A fixture is never edited once released: a new shape is a new version with a fixture of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { catalogue, decode, encode, type CatalogueEntry, type EncodedEvent } from './catalogue.js';
import type { ClusterEvent } from './cluster-events.js';

const folder = new URL('./fixtures/', import.meta.url);
const where = { stream: 'cluster-a', revision: 3, position: '00000000000000000007' };
const fixtures = readdirSync(folder).sort();
const fixture = (file: string): EncodedEvent => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as EncodedEvent;
const versionsUpTo = (version: number): number[] => Array.from({ length: version }, (_, n) => n + 1);

describe('the frozen fixtures', () => {
  test('hold every version of every event type and nothing else', () => {
    const expected = Object.entries(catalogue).flatMap(([type, { version }]) => versionsUpTo(version).map((n) => `${type}.v${n}.json`));
    expect(fixtures).toEqual(expected.sort());
  });

  test.each(fixtures)('%s decodes, and is what its name says', (file) => {
    const stored = fixture(file);
    expect(`${stored.type}.v${stored.version}.json`).toBe(file);
    expect(decode(stored, where).type).toBe(stored.type);
  });

  test.each(fixtures.filter((file) => file.endsWith(`.v${catalogue[fixture(file).type]?.version}.json`)))('%s, of today, comes back as it was', (file) => {
    const stored = fixture(file);
    expect(JSON.parse(JSON.stringify(encode(decode(stored, where))))).toEqual(stored);
  });
});

describe('what does not decode is refused by name', () => {
  const pinned = { type: 'SnapshotPinned', version: 1, data: { snapshotId: 'a.1' } };
  test.each([
    ['a newer version', { ...pinned, version: 2 }, 'EVENT_VERSION_UNKNOWN'],
    ['a type named like an object of JavaScript', { ...pinned, type: 'constructor' }, 'EVENT_VERSION_UNKNOWN'],
    ['a version below the first', { ...pinned, version: 0 }, 'EVENT_UNDECODABLE'],
    ['an unknown type', { ...pinned, type: 'SnapshotBlessed' }, 'EVENT_VERSION_UNKNOWN'],
    ['a missing field', { ...pinned, data: {} }, 'EVENT_UNDECODABLE'],
    ['a field too many', { ...pinned, data: { snapshotId: 'a.1', colour: 'red' } }, 'EVENT_UNDECODABLE'],
    ['data that are no object', { ...pinned, data: null }, 'EVENT_UNDECODABLE'],
  ])('%s', (_, stored, code) => {
    expect(() => decode(stored, where)).toThrow(expect.objectContaining({
      code, details: { ...where, type: stored.type, version: stored.version }, message: expect.stringContaining(where.position),
    }));
  });

  test('an event that does not fit its own schema is not encoded', () => {
    const broken = JSON.parse('{"type":"SnapshotPinned","data":{"snapshotId":7}}') as ClusterEvent;
    expect(() => encode(broken)).toThrow(expect.objectContaining({ code: 'EVENT_UNDECODABLE' }));
  });
});

describe('upcasters', () => {
  const v1 = z.strictObject({ snapshot: z.string() });
  const v2 = z.strictObject({ snapshotId: z.string() });
  const entry: CatalogueEntry = {
    version: 3,
    schema: z.strictObject({ snapshotId: z.string(), reason: z.string().nullable() }),
    upcasters: [
      (data) => ({ snapshotId: v1.parse(data).snapshot }),
      (data) => ({ ...v2.parse(data), reason: null }),
    ],
  };
  test.each([
    [1, { snapshot: 'a.1' }, null], [2, { snapshotId: 'a.1' }, null], [3, { snapshotId: 'a.1', reason: 'audit' }, 'audit'],
  ])('version %i is lifted to the newest through each version between', (version, data, reason) => {
    const decoded = decode({ type: 'SnapshotPinned', version, data }, where, { SnapshotPinned: entry });
    expect(decoded).toEqual({ type: 'SnapshotPinned', data: { snapshotId: 'a.1', reason } });
  });

  test('an event that an upcaster throws on is refused by name', () => {
    const decoding = (): unknown => decode({ type: 'SnapshotPinned', version: 1, data: {} }, where, { SnapshotPinned: entry });
    expect(decoding).toThrow(expect.objectContaining({ code: 'EVENT_UNDECODABLE', details: expect.objectContaining(where) }));
  });

  test('what they cannot lift to the newest shape is refused by name', () => {
    const lifted = { ...entry, upcasters: [(data: unknown) => data, (data: unknown) => data] };
    const decoding = (): unknown => decode({ type: 'SnapshotPinned', version: 1, data: {} }, where, { SnapshotPinned: lifted });
    expect(decoding).toThrow(expect.objectContaining({ code: 'EVENT_UNDECODABLE', details: expect.objectContaining(where) }));
  });
});
