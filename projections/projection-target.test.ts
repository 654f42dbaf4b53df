// The row of a target from its creation to its end: given(events) → row.
import { describe, expect, test } from '@jest/globals';
import type { DomainEvent } from '../events/catalogue.js';
import type { Encoding, S3Settings } from '../events/target-events.js';
import { plainEncoding } from '../events/target-events.js';
import { directoryCreated, minute, positionAt, stored } from './event-samples.fixture.js';
import { noRows, project } from './projection.js';

const encrypted: Encoding = { compression: 'ZSTD', compressionLevel: 9, ageRecipients: ['age1x'] };
const settings: S3Settings = {
  region: 'eu-central-1', endpoint: null, addressing: 'AUTO', ca: 'PEM-OF-THE-CA', proxy: 'http://proxy:3128', requestTimeoutSeconds: 30,
  checksumMode: 'ALWAYS', serverSideEncryption: 'KMS', kmsKeyId: 'alias/backups', storageClass: 'STANDARD_IA',
  accessKeyHint: 'MPLE', secretRef: 'secret-1',
};
const shown = {
  region: 'eu-central-1', endpoint: null, addressing: 'AUTO', proxy: 'http://proxy:3128', requestTimeoutSeconds: 30, checksumMode: 'ALWAYS',
  serverSideEncryption: 'KMS', kmsKeyId: 'alias/backups', storageClass: 'STANDARD_IA', accessKeyHint: 'MPLE', hasCustomCa: true, hasKeys: true,
};
const created: DomainEvent = {
  type: 'TargetCreated', data: { targetId: 'nas', name: 'Offsite', encoding: plainEncoding, kind: 'S3', bucket: 'backups', folder: 'etcd/', settings },
};
const updated = (change: Partial<S3Settings>, encoding = plainEncoding): DomainEvent =>
  ({ type: 'TargetUpdated', data: { name: 'Paris', encoding, settings: { ...settings, ...change } } });
const given = (...events: readonly DomainEvent[]) => project(stored(events), noRows()).targets;

describe('the row of an S3 target', () => {
  test('shows its settings, but neither certificate nor where its keys are', () => {
    const rows = given(created);
    expect(rows).toEqual([{
      targetId: 'nas', name: 'Offsite', kind: 'S3', encoding: plainEncoding, bucket: 'backups', folder: 'etcd/', retiredAt: null, position: positionAt(1), ...shown,
    }]);
    expect(JSON.stringify(rows)).not.toMatch(/secret-1|PEM-OF/);
  });
  test('follows every change, and forgets what was cleared', () => {
    expect(given(created, updated({ ca: null, accessKeyHint: null, secretRef: null, region: null }, encrypted))).toMatchObject([
      { name: 'Paris', encoding: encrypted, bucket: 'backups', region: null, hasCustomCa: false, hasKeys: false, accessKeyHint: null },
    ]);
  });
  test('stays when it is retired', () => {
    expect(given(created, { type: 'TargetRetired', data: {} })).toMatchObject([{ kind: 'S3', bucket: 'backups', retiredAt: minute(2) }]);
  });
});

test('the row of a directory follows its name, its encoding and its retirement', () => {
  const path = '/mnt/nas';
  expect(given(directoryCreated)).toEqual([{ targetId: 'nas', name: 'Shelf', kind: 'LOCAL', path, encoding: plainEncoding, retiredAt: null, position: positionAt(1) }]);
  const changed: DomainEvent = { type: 'TargetUpdated', data: { name: 'Attic', encoding: encrypted, settings: null } };
  expect(given(directoryCreated, changed, { type: 'TargetRetired', data: {} })).toEqual([
    { targetId: 'nas', name: 'Attic', kind: 'LOCAL', path, encoding: encrypted, retiredAt: minute(3), position: positionAt(3) },
  ]);
});
