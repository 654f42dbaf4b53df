// Holds the README to the code: its table of variables, its links, and its examples, run in order against a real etcd.
// What the examples do in depth is proven in flow.test.ts.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, getOperationAST, parse, validate } from 'graphql';
import { variableNames } from '../config.js';
import { putKeys } from './etcd-keys.js';
import type { TestEtcd } from './etcd-process.js';
import { startEtcd } from './etcd-process.js';
import type { Snapkeep } from './snapkeep-process.js';
import { startSnapkeep } from './snapkeep-process.js';

const root = new URL('../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const readme = textOf('README.md');

interface Example {
  readonly name: string;
  readonly kind: string;
  readonly source: string;
}

const examples: readonly Example[] = [...readme.matchAll(/^```graphql\n([^`]*)^```$/gm)].map(([, source = '']) => {
  const operation = getOperationAST(parse(source));
  return { name: operation?.name?.value ?? '', kind: operation?.operation ?? '', source };
});

test('every variable of the configuration is in the table, and no other', () => {
  const named = [...readme.matchAll(/^\| `(SNAPKEEP_[A-Z_]+)` \| .+ \| .+ \|$/gm)].map(([, name]) => name);
  expect(named).toEqual(variableNames);
});

test('every link leads to a file or heading that is there', () => {
  const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => `#${text.toLowerCase().replaceAll(/[^a-z0-9 -]/g, '').replaceAll(' ', '-')}`);
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((link) => (link.startsWith('#') ? !headings.includes(link) : !existsSync(new URL(link, root))))).toEqual([]);
});

describe('the examples', () => {
  test.each(examples)('$name is valid against the committed schema', ({ source }) => {
    expect(validate(buildSchema(textOf('schema/schema.graphql')), parse(source)).map(({ message }) => message)).toEqual([]);
  });

  test('cover every operation that the page promises', () => {
    expect(examples.map(({ name }) => name)).toEqual([
      'RegisterCluster', 'CreateTarget', 'CreateS3Target', 'TestTarget', 'SavePolicy', 'SnapshotNow', 'WaitForSnapshot', 'FollowChanges', 'ListSnapshots',
      'ChooseSnapshot', 'Freshness', 'TryRetention', 'Pin', 'Unpin', 'Delete', 'History',
    ]);
  });
});

describe('the examples, one after the other', () => {
  let etcd: TestEtcd;
  let snapkeep: Snapkeep;
  beforeAll(async () => {
    [etcd, snapkeep] = await Promise.all([startEtcd(), startSnapkeep()]);
    await putKeys(etcd.connection, { count: 100 });
  });
  afterAll(async () => {
    await Promise.all([snapkeep.dispose(), etcd.stop()]);
  });

  // What a reader puts in: endpoint and path of their own, and the id and cursor that snapshotNow answers with.
  const variables: Record<string, unknown> = {};
  const ofThisMachine = (source: string): string => source
    .replace('http://127.0.0.1:2379', etcd.endpoint)
    .replace('/mnt/nas/etcd-snapshots', join(snapkeep.dataDir, '..', 'nas'));

  async function firstMessage(source: string): Promise<unknown> {
    const messages = snapkeep.subscribe<unknown>(source, variables);
    try {
      const { value } = await messages.next();
      return value;
    } finally {
      await messages.return?.();
    }
  }

  test.each(examples)('$name does what it says', async ({ kind, name, source }) => {
    const text = ofThisMachine(source);
    const answer: unknown = kind === 'subscription' ? await firstMessage(text) : await snapkeep.graphql(text, variables);
    expect(answer).toMatchObject(expected[name] ?? {});
    if (name === 'SnapshotNow') Object.assign(variables, idAndCursor(answer));
  });
});

const notNull: unknown = expect.anything();
const accepted = (fields: object): object => ({ ...fields, userErrors: [] });

/** What is fixed in each answer. */
const expected: Readonly<Record<string, object>> = {
  RegisterCluster: { registerCluster: accepted({ cluster: { id: 'shop', policy: { revision: 1, targets: [{ id: 'local' }], retentionCount: 6 } } }) },
  CreateTarget: { createLocalTarget: accepted({ target: { id: 'nas', kind: 'LOCAL' } }) },
  CreateS3Target: { createS3Target: accepted({ target: { kind: 'S3', bucket: 'etcd-backups', folder: 'shop/', credentials: 'KEYS', accessKeyHint: 'MPLE' } }) },
  TestTarget: { testTarget: accepted({ checks: expect.arrayContaining([expect.objectContaining({ ok: true })]) }) },
  SavePolicy: { updatePolicy: accepted({ policy: { revision: 2, recurring: { cron: '30 3 * * *', nextSlots: [notNull, notNull, notNull] } } }) },
  SnapshotNow: { snapshotNow: accepted({ snapshot: { state: 'REQUESTED' }, cursor: notNull }) },
  WaitForSnapshot: { snapshotCompleted: { outcome: 'TAKEN', snapshot: { takenAt: notNull, failure: null } } },
  FollowChanges: { snapshotChanged: { cursor: notNull, snapshot: { id: notNull } } },
  ListSnapshots: {
    snapshots: { totalCount: 1, nodes: [{ kind: 'MANUAL', verification: 'STRUCTURE_OK', copies: [{ target: { id: 'local' } }, { target: { id: 'nas' } }] }] },
  },
  ChooseSnapshot: { snapshotAt: { takenAt: notNull, copies: [{ state: 'STORED', storedSha256: notNull }, { state: 'STORED' }] } },
  Freshness: { clusters: { nodes: [{ id: 'shop', nextSnapshotAt: notNull, freshness: { state: notNull } }] } },
  TryRetention: { retentionPlan: [{ keep: true, reasons: ['kept: manual'] }, { keep: true, reasons: ['kept: manual'] }] },
  Pin: { pinSnapshot: accepted({ snapshot: { pinned: true } }) },
  Unpin: { unpinSnapshot: accepted({ snapshot: { pinned: false } }) },
  Delete: { deleteSnapshot: accepted({ snapshot: { id: notNull } }) },
  History: { history: { nodes: expect.arrayContaining([expect.objectContaining({ type: 'SnapshotTaken' })]) } },
};

function idAndCursor(answer: unknown): { readonly id: string; readonly after: string } {
  const { snapshotNow: { snapshot, cursor } } = answer as { readonly snapshotNow: { readonly snapshot: { readonly id: string }; readonly cursor: string } };
  return { id: snapshot.id, after: cursor };
}
