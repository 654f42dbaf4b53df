// Real etcd clusters that demand client certificates, or a user and password: snapshot, file, restore.
// That no secret leaks anywhere is in secrets.test.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putKeys } from './etcd-keys.js';
import { startEtcd } from './etcd-process.js';
import { allKeys, restoredKeys, snapshotStatus } from './restored-etcd.js';
import { completionOf, filesBelow, mutate, registerEtcd } from './snapkeep-calls.js';
import { type Snapkeep, startSnapkeep } from './snapkeep-process.js';
import { createTlsCertificates } from './tls-certificates.js';

let snapkeep: Snapkeep;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapkeep-tls-'));
  snapkeep = await startSnapkeep({ SNAPKEEP_RETRY_SECONDS: '0.2' });
});
afterAll(async () => {
  await snapkeep.dispose();
  await rm(folder, { recursive: true, force: true });
});

const takeNow = async (clusterId: string) => completionOf(snapkeep, (await mutate(snapkeep, 'snapshotNow', { clusterId })).id);

test('an etcd that demands client certificates is snapshot with them, and not without', async () => {
  const tls = createTlsCertificates(folder);
  const etcd = await startEtcd({ tls });
  try {
    await putKeys(etcd.connection, { count: 200 });
    await registerEtcd(snapkeep, 'tls', { ...etcd.connection, clientCertificate: null, clientKey: null });
    const refused = await takeNow('tls');
    expect(refused).toMatchObject({ outcome: 'FAILED', snapshot: { failure: { step: 'CONNECT' }, copies: [{ state: 'FAILED' }] } });
    expect(['TLS', 'UNREACHABLE']).toContain(refused.snapshot.failure?.code);
    expect(await filesBelow(snapkeep.localPath)).toEqual([]);

    const { clientCertificate, clientKey } = tls;
    await mutate(snapkeep, 'updateCluster', { id: 'tls', clientCertificate, clientKey });
    const { outcome, snapshot } = await takeNow('tls');
    expect({ outcome, failure: snapshot.failure }).toEqual({ outcome: 'TAKEN', failure: null });
    const file = snapshot.copies[0]?.location ?? '';
    expect((await snapshotStatus(file)).revision).toBe(snapshot.revision);
    expect(await restoredKeys(file)).toEqual(await allKeys(etcd.ctl));
  } finally {
    await etcd.stop();
  }
});

test('an etcd with authentication is snapshot with the right password, and a wrong one is named as the cause', async () => {
  const etcd = await startEtcd();
  const root = ['--user', 'root:right-password'];
  try {
    await putKeys(etcd.connection, { count: 200 });
    await etcd.ctl('user', 'add', 'root:right-password');
    await etcd.ctl('user', 'grant-role', 'root', 'root');
    await etcd.ctl('auth', 'enable');
    await registerEtcd(snapkeep, 'auth', { ...etcd.connection, username: 'root', password: 'wrong-password' });
    expect(await takeNow('auth')).toMatchObject({ outcome: 'FAILED', snapshot: { failure: { step: 'CONNECT', code: 'AUTH' } } });

    await mutate(snapkeep, 'updateCluster', { id: 'auth', username: 'root', password: 'right-password' });
    const { outcome, snapshot } = await takeNow('auth');
    expect({ outcome, failure: snapshot.failure }).toEqual({ outcome: 'TAKEN', failure: null });
    expect(await restoredKeys(snapshot.copies[0]?.location ?? '', ...root)).toEqual(await allKeys(etcd.ctl, ...root));
  } finally {
    await etcd.stop();
  }
});
