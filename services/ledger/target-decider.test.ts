import { describe, expect, test } from '@jest/globals';
import type { TargetCommand } from './target-commands.js';
import { decideTarget } from './target-decider.js';
import { evolveTarget, initialTargetState } from './target-state.js';
import { isRejection } from './rejection.js';

const create = (extra: { targetId?: string; name?: string; path?: string } = {}): TargetCommand => ({
  type: 'CreateLocalTarget', targetId: 'nas', name: 'NAS', path: '/mnt/nas', ...extra,
});
const retire: TargetCommand = { type: 'RetireTarget', targetId: 'nas', usedBy: [] };

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
  test('is created, renamed and retired', () => {
    expect(after(create(), { type: 'UpdateTarget', targetId: 'nas', name: 'Attic' }, retire))
      .toEqual({ targetId: 'nas', name: 'Attic', path: '/mnt/nas', retired: true });
  });
  test('never takes an id twice, nor that of local', () => {
    expect(fault(create(), after(create(), retire))).toEqual(['ALREADY_EXISTS', ['id']]);
    expect(fault(create({ targetId: 'local' }))).toEqual(['ALREADY_EXISTS', ['id']]);
  });
  test('is not retired while a policy names it, and only once', () => {
    expect(fault({ ...retire, usedBy: ['prod'] }, after(create()))).toEqual(['TARGET_IN_USE', ['id']]);
    expect(decideTarget(retire, after(create(), retire))).toEqual([]);
  });
  test('that does not exist is not found, and local is not changed', () => {
    expect(fault(retire)).toEqual(['NOT_FOUND', ['id']]);
    expect(fault({ type: 'UpdateTarget', targetId: 'local', name: 'x' })).toEqual(['FORBIDDEN', ['id']]);
  });
  test.each(['relative', '/a/../b', '/a//b', '/./a', '/', ''])('does not lie at "%s"', (path) => {
    expect(fault(create({ path }))).toEqual(['INVALID_INPUT', ['path']]);
  });
  test('needs an id that is a slug, and a name', () => {
    expect(fault(create({ targetId: 'a/b' }))).toEqual(['INVALID_INPUT', ['id']]);
    expect(fault(create({ name: ' ' }))).toEqual(['INVALID_INPUT', ['name']]);
  });
});
