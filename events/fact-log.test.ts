import { expect, test } from '@jest/globals';
import type { ClusterEvent } from './cluster-events.js';
import { openSqliteEventStore } from './event-store.sqlite.js';
import { withFactLog } from './fact-log.js';

const context = { actor: 'anna', correlationId: 'c', causationId: 'c' };
const failed: ClusterEvent = {
  type: 'SnapshotFailed', data: { snapshotId: 'a.1', failure: { step: 'CONNECT', code: 'UNREACHABLE', message: 'nobody answers' } },
};
const updated: ClusterEvent = {
  type: 'ClusterUpdated',
  data: { name: 'a', connection: { endpoints: ['http://e:1'], ca: 'PEM', clientCertificate: null, username: null, secretRef: null } },
};

test('each durable fact is one line, with its level, its actor and its snapshot, and without settings', async () => {
  const lines: unknown[] = [];
  const write = (level: string) => (details: object, message: string) => lines.push({ level, ...details, message });
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const store = withFactLog(openSqliteEventStore(':memory:'), log);
  const events = [failed, updated].map((event, index) => ({ id: `id-${index}`, time: '2026-11-23T06:00:00.000Z', context, event }));
  await store.append('cluster-a', 'none', events);
  await expect(store.append('cluster-a', 'none', [{ ...events[0], id: 'other', time: '', context, event: failed }])).rejects.toMatchObject({
    code: 'APPEND_CONFLICT',
  });
  expect(lines).toEqual([
    { level: 'error', stream: 'cluster-a', actor: 'anna', ...failed.data, message: 'SnapshotFailed' },
    { level: 'info', stream: 'cluster-a', actor: 'anna', name: 'a', message: 'ClusterUpdated' },
  ]);
  await store.close();
});
