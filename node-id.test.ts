import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readNodeId } from './node-id.js';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snapkeep-node-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

test('an id is made once and stays', () => {
  const id = readNodeId(dataDir, null);
  expect(id).toMatch(/^node-[0-9a-f]{12}$/);
  expect(readNodeId(dataDir, null)).toBe(id);
  expect(readNodeId(dataDir, id)).toBe(id);
});

test('a configured name stays, also where it is no longer configured', () => {
  expect(readNodeId(dataDir, 'etcd-1')).toBe('etcd-1');
  expect(readNodeId(dataDir, null)).toBe('etcd-1');
});

test('another name than that of the stored copies is refused, naming both', () => {
  readNodeId(dataDir, 'etcd-1');
  expect(() => readNodeId(dataDir, 'etcd-2')).toThrow(/SNAPKEEP_NODE_NAME is etcd-2.*SNAPKEEP_NODE_NAME=etcd-1/);
});
