import { describe, expect, test } from '@jest/globals';
import type { Encoding, S3Settings } from '../../events/target-events.js';
import { plainEncoding } from '../../events/target-events.js';
import type { TargetCommand, UpdateTarget } from './target-commands.js';
import { decideTarget } from './target-decider.js';
import { evolveTarget, initialTargetState } from './target-state.js';
import { isRejection } from './rejection.js';

const create = (extra: { targetId?: string; name?: string; path?: string } = {}): TargetCommand => ({
  type: 'CreateLocalTarget', targetId: 'nas', name: 'NAS', path: '/mnt/nas', encoding: plainEncoding, ...extra,
});
const settings: S3Settings = {
  region: null, endpoint: 'https://minio:9000', addressing: 'AUTO', ca: null, proxy: null, requestTimeoutSeconds: 60, checksumMode: 'AUTO',
  serverSideEncryption: 'NONE', kmsKeyId: null, storageClass: null, accessKeyHint: 'MPLE', secretRef: 'secret-1',
};
const createS3 = (folder = 'prod/'): TargetCommand => ({
  type: 'CreateS3Target', targetId: 's3', name: 'S3', bucket: 'backups', folder, settings, encoding: plainEncoding,
});
const compressed: Encoding = { compression: 'ZSTD', compressionLevel: 9, ageRecipients: [] };
const retire: TargetCommand = { type: 'RetireTarget', targetId: 'nas', usedBy: [] };
const update = (change: Omit<UpdateTarget, 'type' | 'targetId'>, targetId = 's3'): TargetCommand =>
  ({ type: 'UpdateTarget', targetId, ...change });

function after(...commands: readonly TargetCommand[]) {
  return commands.reduce((state, command) => {
    const decision = decideTarget(command, state);
    if (isRejection(decision)) throw new Error(decision.rejected.message);
    return decision.reduce(evolveTarget, state);
  }, initialTargetState());
}
const fault = (command: TargetCommand, state = initialTargetState()) => {
  const decision = decideTarget(command, state);
  return isRejection(decision) ? [decision.rejected.code, decision.rejected.path] : null;
};

describe('a target', () => {
  test('is created, renamed, given another encoding and retired', () => {
    expect(after(create(), update({ name: 'Attic' }, 'nas'), update({ encoding: compressed }, 'nas'), retire))
      .toEqual({ targetId: 'nas', kind: 'LOCAL', name: 'Attic', path: '/mnt/nas', encoding: compressed, retired: true });
  });
  test('never takes an id twice, nor that of local', () => {
    expect(fault(create(), after(create(), retire))).toEqual(['ALREADY_EXISTS', ['id']]);
    expect(fault(create({ targetId: 'local' }))).toEqual(['ALREADY_EXISTS', ['id']]);
  });
  test('is not retired while a policy names it, and only once', () => {
    expect(fault({ ...retire, usedBy: ['prod'] }, after(create()))).toEqual(['TARGET_IN_USE', ['id']]);
    expect(decideTarget(retire, after(create(), retire))).toEqual([]);
  });
  test('is not changed by what was made from it as it is no longer', () => {
    const created = after(create());
    const changed = after(create(), update({ name: 'Attic' }, 'nas'));
    expect(fault(update({ encoding: compressed, madeFrom: created }, 'nas'), changed)).toEqual(['CONFLICT', null]);
    expect(fault(update({ encoding: compressed, madeFrom: changed }, 'nas'), changed)).toBeNull();
  });
  test('that is retired changes no more', () => {
    expect(fault(update({ name: 'x' }, 'nas'), after(create(), retire))).toEqual(['CONFLICT', ['id']]);
  });
  test('that does not exist is not found, and local is not changed', () => {
    expect(fault(retire)).toEqual(['NOT_FOUND', ['id']]);
    expect(fault(update({ encoding: compressed }, 'local'))).toEqual(['FORBIDDEN', ['id']]);
    expect(fault({ ...retire, targetId: 'local' })).toEqual(['FORBIDDEN', ['id']]);
  });
  test.each(['relative', '/a/../b', '/a//b', '/./a', '/', ''])('does not lie at "%s"', (path) => {
    expect(fault(create({ path }))).toEqual(['INVALID_INPUT', ['path']]);
  });
  test('needs an id that is a slug, and a name', () => {
    expect(fault(create({ targetId: 'a/b' }))).toEqual(['INVALID_INPUT', ['id']]);
    expect(fault(create({ name: ' ' }))).toEqual(['INVALID_INPUT', ['name']]);
  });
});

describe('an S3 target', () => {
  const created = after(createS3());

  test('keeps bucket, folder, settings and encoding', () => {
    expect(created).toEqual({
      targetId: 's3', kind: 'S3', name: 'S3', bucket: 'backups', folder: 'prod/', settings, encoding: plainEncoding, retired: false,
    });
  });
  test('is changed as a whole, and only where something changes', () => {
    const moved = { ...settings, endpoint: null, secretRef: 'secret-2' };
    expect(decideTarget(update({ settings: moved }), created)).toEqual([
      { type: 'TargetUpdated', data: { name: 'S3', encoding: plainEncoding, settings: moved } },
    ]);
    expect(after(createS3(), update({ settings: moved }), update({ name: 'Paris' }))).toMatchObject({ name: 'Paris', bucket: 'backups', settings: moved });
    expect(decideTarget(update({ name: 'S3', encoding: { ...plainEncoding }, settings: { ...settings } }), created)).toEqual([]);
  });
  test('lends its settings to no directory', () => {
    expect(fault(update({ settings }, 'nas'), after(create()))).toEqual(['INVALID_INPUT', ['id']]);
  });
  test.each(['prod', '/prod/', 'a//b/', 'a/../b/', '../a/', './', './a/', '/'])('has no keys below "%s"', (folder) => {
    expect(fault(createS3(folder))).toEqual(['INVALID_INPUT', ['folder']]);
  });
  test('may have the whole bucket', () => {
    expect(after(createS3(''))).toMatchObject({ folder: '' });
  });
});
