// The test board in MongoDB: the contract, and workers whose process is gone without a word.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { untilTrue } from '../../test/eventual-fact.js';
import { mongoSuite } from '../../test/mongo-server.js';
import type { TestDatabase } from '../../test/mongo-server.js';
import { testBoardContract } from './test-board.contract.js';
import { createMongoTestBoard } from './test-board.mongo.js';

interface StoredNode { readonly _id: string; readonly seenAt: Date }

const times = { signEveryMs: 200, liveForMs: 3_000, answerWithinMs: 600_000 };
const troubles: unknown[] = [];
const noteTrouble = (error: unknown): void => { troubles.push(error); };

await mongoSuite('the test board in MongoDB', (open) => {
  let database: TestDatabase;
  beforeEach(() => {
    database = open();
  });
  const nodes = () => database.db.collection<StoredNode>('workers');
  const served = (node: string) => untilTrue(`${node} has given a sign`, async () => await nodes().findOne({ _id: node }) !== null);

  testBoardContract(({ answerWithinMs }) => createMongoTestBoard(database.db, { ...times, answerWithinMs }));
  // Behind the contract's own hook, whose workers sign off there.
  afterEach(async () => {
    await database.dispose();
    expect(troubles).toEqual([]);
  });

  test('a worker that was killed is named as silent long before the time for answers is over, also where it is the only one', async () => {
    await nodes().insertOne({ _id: 'killed', seenAt: new Date() });
    const board = createMongoTestBoard(database.db, times);
    expect(await board.ask('s3')).toMatchObject([{ ranOn: 'killed', name: 'answers', ok: false }]);
    const leave = board.serve('live', async () => [{ name: 'seen', ok: true, message: null, remedy: null }], noteTrouble);
    await served('live');
    const checks = await board.ask('s3');
    await leave();
    expect(checks.map(({ ranOn, ok }) => [ranOn, ok]).sort()).toEqual([['killed', false], ['live', true]]);
  });

  test('a worker whose test takes longer than its signs may be apart is waited for', async () => {
    const board = createMongoTestBoard(database.db, times);
    const begun = Promise.withResolvers<number>();
    const answer = Promise.withResolvers<void>();
    const leave = board.serve('slow', async () => {
      begun.resolve(performance.now());
      await answer.promise;
      return [{ name: 'seen', ok: true, message: null, remedy: null }];
    }, noteTrouble);
    await served('slow');
    const asked = board.ask('s3');
    const since = await begun.promise;
    await untilTrue('it would be silent by now', () => performance.now() - since > times.liveForMs + 1_000);
    answer.resolve();
    const checks = await asked;
    await leave();
    expect(checks).toMatchObject([{ ranOn: 'slow', ok: true }]);
  });
});
