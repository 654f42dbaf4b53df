import { describe, expect, test } from '@jest/globals';
import { readConfig, readRotationConfig } from './config.js';

describe('the configuration', () => {
  test('has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      host: '127.0.0.1', port: 4000, localPath: '/opt/rke/etcd-snapshots', token: null, retryPausesMs: [10_000, 30_000, 120_000, 300_000],
    });
  });

  test('takes an empty variable as not set', () => {
    expect(readConfig({ SNAPKEEP_PORT: '' }).port).toBe(4000);
  });

  test('reports every fault at once, naming the variable', () => {
    const read = () => readConfig({
      SNAPKEEP_PORT: 'ninety', SNAPKEEP_LOCAL_PATH: 'snapshots', SNAPKEEP_LOG_LEVEL: 'loud', SNAPKEEP_ROLES: 'api', SNAPKEEP_POTR: '1',
    });
    for (const name of ['SNAPKEEP_PORT', 'SNAPKEEP_LOCAL_PATH', 'SNAPKEEP_LOG_LEVEL', 'SNAPKEEP_ROLES', 'SNAPKEEP_POTR']) {
      expect(read).toThrow(name);
    }
  });

  test('takes the three variables of an agent together or not at all, and tells what is missing beside other faults', () => {
    const agent = { SNAPKEEP_NODE_CLUSTER: 'shop', SNAPKEEP_NODE_NAME: 'etcd-1', SNAPKEEP_NODE_ENDPOINT: 'https://10.0.0.1:2379' };
    expect(readConfig(agent).agent).toEqual({ clusterId: 'shop', node: 'etcd-1', endpoint: 'https://10.0.0.1:2379' });
    expect(readConfig({ SNAPKEEP_NODE_NAME: 'etcd-1' })).toMatchObject({ nodeName: 'etcd-1', agent: null });
    const read = () => readConfig({ SNAPKEEP_NODE_CLUSTER: 'shop', SNAPKEEP_PORT: 'ninety' });
    for (const fault of ['3 fault(s)', 'SNAPKEEP_NODE_NAME is missing', 'SNAPKEEP_NODE_ENDPOINT is missing', 'SNAPKEEP_PORT']) expect(read).toThrow(fault);
    expect(() => readConfig({ ...agent, SNAPKEEP_NODE_ENDPOINT: '10.0.0.1:2379' })).toThrow('SNAPKEEP_NODE_ENDPOINT must be');
    expect(() => readConfig({ ...agent, SNAPKEEP_NODE_NAME: 'any' })).toThrow('SNAPKEEP_NODE_NAME any');
  });

  test('tells a wrong variable and a contradiction of others together', () => {
    const read = () => readConfig({ SNAPKEEP_PORT: 'ninety', SNAPKEEP_HOST: '0.0.0.0', SNAPKEEP_MASTER_KEY: 'a', SNAPKEEP_MASTER_KEY_FILE: 'b' });
    for (const name of ['SNAPKEEP_PORT', 'SNAPKEEP_HOST', 'SNAPKEEP_MASTER_KEY']) expect(read).toThrow(name);
    expect(() => readConfig({ SNAPKEEP_HOST: '0.0.0.0', SNAPKEEP_TOKEN: 'short' })).toThrow(/1 fault\(s\)/);
  });

  test('lets roles run apart only where the stores are shared, with a master key of theirs', () => {
    const shared = { SNAPKEEP_EVENT_STORE: 'esdb://es:2113?tls=false', SNAPKEEP_READ_STORE: 'mongodb://db/snapkeep', SNAPKEEP_MASTER_KEY: 'ab'.repeat(32) };
    expect([...readConfig({ ...shared, SNAPKEEP_ROLES: 'worker,api' }).roles]).toEqual(['api', 'worker']);
    expect(readConfig(shared).stores).toMatchObject({ rows: 'mongodb://db/snapkeep', vault: 'mongodb://db/snapkeep', jobs: 'mongodb://db/snapkeep' });
    expect([...readConfig({}).roles]).toEqual(['api', 'worker', 'projector', 'scheduler']);
    expect(() => readConfig({ SNAPKEEP_ROLES: 'worker' })).toThrow(/SNAPKEEP_ROLES must name every role.*SNAPKEEP_EVENT_STORE/);
    expect(() => readConfig({ ...shared, SNAPKEEP_MASTER_KEY: '' })).toThrow(/SNAPKEEP_MASTER_KEY and SNAPKEEP_MASTER_KEY_FILE are not set/);
  });

  test('takes addresses of several hosts', () => {
    const events = 'esdb://admin:changeit@es1:2113,es2:2113,es3:2113?tls=true';
    const rows = 'mongodb://snapkeep:p%40ss@db1:27017,db2:27017,db3:27017/snapkeep?replicaSet=rs0';
    const env = { SNAPKEEP_EVENT_STORE: events, SNAPKEEP_READ_STORE: rows, SNAPKEEP_MASTER_KEY: 'ab'.repeat(32) };
    expect(readConfig(env).stores).toEqual({ events, rows, vault: rows, jobs: rows });
  });

  test('refuses to share the log without the rest', () => {
    expect(() => readConfig({ SNAPKEEP_EVENT_STORE: 'esdb://es:2113' })).toThrow(/SNAPKEEP_EVENT_STORE is set, and SNAPKEEP_READ_STORE is not/);
  });

  test('names a store\'s address that is none, and never repeats it', () => {
    const read = () => readConfig({ SNAPKEEP_EVENT_STORE: 'http://u:hunter2@es', SNAPKEEP_READ_STORE: 'hunter2' });
    expect(read).toThrow(/SNAPKEEP_EVENT_STORE must be a URL such as esdb/);
    expect(read).toThrow(/SNAPKEEP_READ_STORE must be a URL such as mongodb/);
    expect(read).not.toThrow(/hunter2/);
  });

  test('refuses to listen where others can reach it without a token', () => {
    expect(() => readConfig({ SNAPKEEP_HOST: '0.0.0.0' })).toThrow(/SNAPKEEP_HOST is 0\.0\.0\.0.*SNAPKEEP_TOKEN/);
    expect(readConfig({ SNAPKEEP_HOST: '0.0.0.0', SNAPKEEP_TOKEN: 'a-token-of-some-length' }).host).toBe('0.0.0.0');
  });

  test('refuses a relative origin and a short token', () => {
    expect(() => readConfig({ SNAPKEEP_ORIGINS: 'backups.example.com' })).toThrow('SNAPKEEP_ORIGINS');
    expect(() => readConfig({ SNAPKEEP_TOKEN: 'short' })).toThrow('SNAPKEEP_TOKEN');
  });

  test('knows the new master key for its rotation alone', () => {
    const env = { SNAPKEEP_PORT: '4001', SNAPKEEP_NEW_MASTER_KEY: 'new' };
    expect(readRotationConfig(env)).toMatchObject({ config: { port: 4001 }, newMasterKey: { key: 'new' } });
    expect(() => readConfig(env)).toThrow('SNAPKEEP_NEW_MASTER_KEY is not a variable');
    expect(() => readRotationConfig({ ...env, SNAPKEEP_PORT: 'ninety' })).toThrow('SNAPKEEP_PORT');
  });
});
