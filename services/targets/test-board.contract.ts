// What every test board does, whoever keeps it: each live worker answers for itself, one that does not is named, and so is nobody at all.
// Workers whose process is gone are only where processes share a board: test-board.mongo.test.ts.
import { afterEach, expect, test } from '@jest/globals';
import { untilTrue } from '../../test/eventual-fact.js';
import type { TargetCheck } from './target-check.js';
import type { TestBoard, TestTarget } from './test-board.js';

const found = (targetId: string): readonly TargetCheck[] => [{ name: 'seen', ok: true, message: targetId, remedy: null }];
const answering: TestTarget = async (targetId) => found(targetId);
/** Long enough for whoever answers at all. */
const answerWithinMs = 5_000;

/** `open` gives an empty board, whose answers may take so long. */
export function testBoardContract(open: (times: { readonly answerWithinMs: number }) => TestBoard): void {
  let leaving: (() => Promise<void>)[] = [];
  let troubles: unknown[] = [];
  afterEach(async () => {
    await Promise.all(leaving.map((leave) => leave()));
    expect(troubles).toEqual([]);
    [leaving, troubles] = [[], []];
  });
  const serve = async (board: TestBoard, node: string, answer: TestTarget): Promise<() => Promise<void>> => {
    const leave = board.serve(node, answer, (error) => { troubles.push(error); });
    leaving.push(leave);
    await untilServed(board, node);
    return leave;
  };

  test('without a worker says that there is none', async () => {
    expect(await open({ answerWithinMs }).ask('s3')).toEqual([expect.objectContaining({ ranOn: 'no worker', ok: false, remedy: expect.stringContaining('role worker') })]);
  });

  test('every worker answers for itself, about the target that was asked for', async () => {
    const board = open({ answerWithinMs });
    await serve(board, 'one', answering);
    await serve(board, 'two', async (targetId) => [...found(targetId), { name: 'written', ok: false, message: 'the disk is full', remedy: 'Make room.' }]);
    const checks = await board.ask('s3');
    expect(checks.filter(({ ranOn }) => ranOn === 'one')).toEqual([{ ...found('s3')[0], ranOn: 'one' }]);
    expect(checks.filter(({ ranOn }) => ranOn === 'two')).toMatchObject([{ name: 'seen', ok: true }, { name: 'written', ok: false, remedy: 'Make room.' }]);
    expect(checks).toHaveLength(3);
  });

  test('a worker that has left is not asked', async () => {
    const board = open({ answerWithinMs });
    const leave = await serve(board, 'one', answering);
    await serve(board, 'two', answering);
    await leave();
    expect((await board.ask('s3')).map(({ ranOn }) => ranOn)).toEqual(['two']);
  });

  test('a worker that does not answer in time is named, beside what the others say', async () => {
    const board = open({ answerWithinMs });
    const answered = Promise.withResolvers<readonly TargetCheck[]>();
    await serve(board, 'quick', answering);
    await serve(board, 'stuck', (targetId) => (targetId === 's3' ? answered.promise : answering(targetId)));
    const checks = await board.ask('s3');
    answered.resolve([]);
    expect(checks.map(({ ranOn, ok }) => [ranOn, ok]).sort()).toEqual([['quick', true], ['stuck', false]]);
    expect(checks.find(({ ranOn }) => ranOn === 'stuck')).toMatchObject({ name: 'answers', message: expect.stringContaining('stuck does not answer') });
  });

  test('a test that takes long delays no other, and is answered in the end', async () => {
    const board = open({ answerWithinMs: 60_000 });
    const slow = Promise.withResolvers<readonly TargetCheck[]>();
    await serve(board, 'one', (targetId) => (targetId === 'slow' ? slow.promise : answering(targetId)));
    const asked = board.ask('slow');
    expect(await board.ask('quick')).toMatchObject([{ ranOn: 'one', ok: true }]);
    slow.resolve(found('slow'));
    expect(await asked).toMatchObject([{ ranOn: 'one', ok: true, message: 'slow' }]);
  });
}

const untilServed = (board: TestBoard, node: string): Promise<void> =>
  untilTrue(`${node} answers`, async () => (await board.ask('served')).some(({ ranOn, ok }) => ranOn === node && ok));
