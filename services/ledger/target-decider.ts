// Decides on one target: creating, renaming and retiring it. Its path never changes, its id is never used again.
// Whether a directory can be used is found out by whoever opens it.
import { isAbsolute, normalize } from 'node:path/posix';
import type { TargetEvent } from '../../events/target-events.js';
import { localTargetId } from '../../events/target-events.js';
import { idFault, nameFault } from './registry-input.js';
import type { Rejection } from './rejection.js';
import { reject } from './rejection.js';
import type { CreateLocalTarget, RetireTarget, TargetCommand, UpdateTarget } from './target-commands.js';
import type { TargetState } from './target-state.js';

export type TargetDecision = readonly TargetEvent[] | Rejection;

export function decideTarget(command: TargetCommand, state: TargetState): TargetDecision {
  switch (command.type) {
    case 'CreateLocalTarget':
      return create(command, state);
    case 'UpdateTarget':
      return missingFault(command, state) ?? update(command, state);
    case 'RetireTarget':
      return missingFault(command, state) ?? retire(command, state);
    default: {
      const missed: never = command;
      return missed;
    }
  }
}

function create({ targetId, name, path }: CreateLocalTarget, state: TargetState): TargetDecision {
  if (targetId === localTargetId || state.targetId !== null) {
    return reject('ALREADY_EXISTS', `target id "${targetId}" is taken, and ids are never used again; choose another`, ['id']);
  }
  const fault = idFault(targetId) ?? nameFault(name) ?? pathFault(path);
  return fault ?? [{ type: 'TargetCreated', data: { targetId, name, kind: 'LOCAL', path: withoutEnd(path) } }];
}

function update({ targetId, name }: UpdateTarget, state: TargetState): TargetDecision {
  if (state.retired) return reject('CONFLICT', `target ${targetId} is retired and changes no more`, ['id']);
  if (name === undefined || name === state.name) return [];
  return nameFault(name) ?? [{ type: 'TargetUpdated', data: { name } }];
}

function retire({ targetId, usedBy }: RetireTarget, { retired }: TargetState): TargetDecision {
  if (retired) return [];
  if (usedBy.length === 0) return [{ type: 'TargetRetired', data: {} }];
  return reject('TARGET_IN_USE', `target ${targetId} is named by the policy of ${usedBy.join(', ')}; take it out there first`, ['id']);
}

function missingFault({ targetId }: UpdateTarget | RetireTarget, state: TargetState): Rejection | null {
  if (targetId === localTargetId) return reject('FORBIDDEN', 'the target local always exists; its path is set by SNAPKEEP_LOCAL_PATH', ['id']);
  return state.targetId === null ? reject('NOT_FOUND', `target ${targetId} does not exist; look its id up in the list`, ['id']) : null;
}

/** Absolute, and written without detours, so that what is stored under it never lies elsewhere. */
function pathFault(path: string): Rejection | null {
  if (!isAbsolute(path)) return reject('INVALID_INPUT', `path "${path}" is relative; give an absolute one, such as /var/backups/etcd`, ['path']);
  const plain = !path.includes('\0') && normalize(path) === path && withoutEnd(path) !== '';
  return plain ? null : reject('INVALID_INPUT', `path "${path}" is the root or has "..", "." or "//" in it; give it without detours`, ['path']);
}

const withoutEnd = (path: string): string => path.replace(/\/$/, '');
