// Decides on one target: creating, changing and retiring it. Its place (path, bucket, folder) never changes, its id is never used again.
// Whether the place can be used is found out by whoever opens it.
import { isAbsolute, normalize } from 'node:path/posix';
import { isDeepStrictEqual } from 'node:util';
import type { S3Settings, TargetEvent, TargetEventOf } from '../../events/target-events.js';
import { localTargetId } from '../../events/target-events.js';
import { idFault, nameFault } from './registry-input.js';
import type { Rejection } from './rejection.js';
import { reject } from './rejection.js';
import type { CreateLocalTarget, CreateS3Target, RetireTarget, TargetCommand, UpdateTarget } from './target-commands.js';
import type { LocalTargetState, S3TargetState, TargetState } from './target-state.js';

export type TargetDecision = readonly TargetEvent[] | Rejection;
type CreatedTarget = LocalTargetState | S3TargetState;

export function decideTarget(command: TargetCommand, state: TargetState): TargetDecision {
  if (command.type === 'CreateLocalTarget' || command.type === 'CreateS3Target') return create(command, state);
  if (command.targetId === localTargetId) {
    return reject('FORBIDDEN', 'the target local always exists and is configuration; its path is set by SNAPKEEP_LOCAL_PATH', ['id']);
  }
  if (state.kind === null) return reject('NOT_FOUND', `target ${command.targetId} does not exist; look its id up in the list`, ['id']);
  switch (command.type) {
    case 'UpdateTarget':
      return update(command, state);
    case 'RetireTarget':
      return retire(command, state);
    default: {
      const missed: never = command;
      return missed;
    }
  }
}

function create(command: CreateLocalTarget | CreateS3Target, state: TargetState): TargetDecision {
  const { targetId, name } = command;
  if (targetId === localTargetId || state.targetId !== null) {
    return reject('ALREADY_EXISTS', `target id "${targetId}" is taken, and ids are never used again; choose another`, ['id']);
  }
  return idFault(targetId) ?? nameFault(name) ?? placeFault(command) ?? [{ type: 'TargetCreated', data: createdData(command) }];
}

function createdData(command: CreateLocalTarget | CreateS3Target): TargetEventOf<'TargetCreated'>['data'] {
  const { targetId, name, encoding } = command;
  if (command.type === 'CreateLocalTarget') return { targetId, name, encoding, kind: 'LOCAL', path: withoutEnd(command.path) };
  const { bucket, folder, settings } = command;
  return { targetId, name, encoding, kind: 'S3', bucket, folder, settings };
}

function update({ targetId, name, encoding, settings, madeFrom }: UpdateTarget, state: CreatedTarget): TargetDecision {
  if (state.retired) return reject('CONFLICT', `target ${targetId} is retired and changes no more`, ['id']);
  if (!isStill(state, madeFrom)) {
    return reject('CONFLICT', `target ${targetId} was changed by somebody else at the same time; look at it and send this change again`);
  }
  const before = changeable(state);
  if (settings !== undefined && before.settings === null) {
    return reject('INVALID_INPUT', `target ${targetId} is a directory and has no settings of S3; leave them out`, ['id']);
  }
  const after = { name: name ?? before.name, encoding: encoding ?? before.encoding, settings: settings ?? before.settings };
  if (isDeepStrictEqual(after, before)) return [];
  return nameFault(after.name) ?? [{ type: 'TargetUpdated', data: after }];
}

const isStill = (state: CreatedTarget, madeFrom: TargetState | undefined): boolean => madeFrom === undefined || isDeepStrictEqual(state, madeFrom);

function changeable(state: CreatedTarget): TargetEventOf<'TargetUpdated'>['data'] {
  const settings: S3Settings | null = state.kind === 'S3' ? state.settings : null;
  return { name: state.name, encoding: state.encoding, settings };
}

function retire({ targetId, usedBy }: RetireTarget, { retired }: CreatedTarget): TargetDecision {
  if (retired) return [];
  if (usedBy.length === 0) return [{ type: 'TargetRetired', data: {} }];
  return reject('TARGET_IN_USE', `target ${targetId} is named by the policy of ${usedBy.join(', ')}; take it out there first`, ['id']);
}

const placeFault = (command: CreateLocalTarget | CreateS3Target): Rejection | null =>
  (command.type === 'CreateLocalTarget' ? pathFault(command.path) : prefixFault(command.folder));

/** Absolute, and written without detours, so that what is stored under it never lies elsewhere. */
function pathFault(path: string): Rejection | null {
  if (!isAbsolute(path)) return reject('INVALID_INPUT', `path "${path}" is relative; give an absolute one, such as /var/backups/etcd`, ['path']);
  const plain = !path.includes('\0') && normalize(path) === path && withoutEnd(path) !== '';
  return plain ? null : reject('INVALID_INPUT', `path "${path}" is the root or has "..", "." or "//" in it; give it without detours`, ['path']);
}

/** Ends in "/", so that the keys of one folder never begin like those of another. */
function prefixFault(folder: string): Rejection | null {
  if (folder === '' || (folder.endsWith('/') && !isAbsolute(folder) && normalize(folder) === folder && !folder.startsWith('.'))) return null;
  return reject('INVALID_INPUT', `folder "${folder}" is no prefix of keys; give it relative, without detours and with "/" at its end`, ['folder']);
}

const withoutEnd = (path: string): string => path.replace(/\/$/, '');
