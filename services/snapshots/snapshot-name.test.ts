import { expect, test } from '@jest/globals';
import { clusterIdOf, snapshotIdOf, snapshotName } from './snapshot-name.js';

const ulid = '01M843PBGXYSAK595WXPF7A3H5';

test('a name is its time, a short id and the given name', () => {
  expect(snapshotName('2026-11-23T06:00:00.000Z', ulid, null)).toBe('20261123T060000Z-f7a3h5');
  expect(snapshotName('2026-11-23T06:00:00.000Z', ulid, 'before-1.29')).toBe('20261123T060000Z-f7a3h5-before-1.29');
});

test('an id leads to its cluster', () => {
  expect(clusterIdOf(snapshotIdOf('prod-1', ulid))).toBe('prod-1');
});

test.each(['prod-1', 'prod-1.', '.x', 'a.b.c', ''])('%j is no snapshot id', (id) => {
  expect(clusterIdOf(id)).toBeNull();
});
