// The test board in MongoDB, for workers and APIs that are processes of their own: nodes that are live, questions, and their answers.
// Holds nothing for longer than an hour. Workers ask for questions twice a second.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Collection, Db } from 'mongodb';
import { namingFailures } from '../../events/store-failure.js';
import type { TargetCheck } from './target-check.js';
import { ANSWER_WITHIN_MS, noWorkerCheck, silentCheck } from './test-board.js';
import type { TargetTestCheck, TestBoard, TestTarget } from './test-board.js';

interface NodeDocument {
  readonly _id: string;
  /** Of the server's clock. */
  readonly seenAt: Date;
}

interface QuestionDocument {
  readonly _id: string;
  readonly targetId: string;
  readonly askedAt: Date;
  /** Nodes that are to answer. */
  readonly open: readonly string[];
  readonly answers: readonly { readonly node: string; readonly checks: readonly TargetCheck[] }[];
}

interface Boards {
  readonly nodes: Collection<NodeDocument>;
  readonly questions: Collection<QuestionDocument>;
}

const LOOK_EVERY_MS = 500;
const SIGN_EVERY_MS = 5_000;
/** A node that gave no sign for so long is silent, and after an hour forgotten. */
const LIVE_FOR_MS = 15_000;
const KEPT_SECONDS = 3_600;

export function createMongoTestBoard(db: Db, times = { answerWithinMs: ANSWER_WITHIN_MS, liveForMs: LIVE_FOR_MS }): TestBoard {
  const boards: Boards = { nodes: db.collection('workers'), questions: db.collection('target_tests') };
  const asking = namingFailures('Tests of targets in MongoDB', 'Mongo', { ask: (targetId: unknown) => ask(boards, String(targetId), times) });
  return {
    serve(node, test, onTrouble) {
      const leaving = new AbortController();
      const served = serve(boards, { node, test, onTrouble, signal: leaving.signal });
      return async () => {
        leaving.abort();
        await served;
      };
    },
    ask: asking.ask,
  };
}

interface Serving {
  readonly node: string;
  readonly test: TestTarget;
  readonly onTrouble: (error: unknown) => void;
  readonly signal: AbortSignal;
}

async function serve(boards: Boards, serving: Serving): Promise<void> {
  const { node, onTrouble, signal } = serving;
  let signedAt = -Infinity;
  let told = false;
  const look = async (): Promise<void> => {
    if (performance.now() - signedAt >= SIGN_EVERY_MS) {
      await sign(boards, node);
      signedAt = performance.now();
    }
    for (const question of await boards.questions.find({ open: node }).toArray()) await answer(boards, question, serving);
  };
  while (!signal.aborted) {
    // Told once for each outage: it goes on by itself.
    await look().then(() => { told = false; }, (error: unknown) => {
      if (!told) onTrouble(error);
      told = true;
    });
    await pause(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  await boards.nodes.deleteOne({ _id: node }).catch(onTrouble);
}

async function sign({ nodes, questions }: Boards, node: string): Promise<void> {
  await nodes.updateOne({ _id: node }, { $currentDate: { seenAt: true } }, { upsert: true });
  await nodes.createIndexes([{ key: { seenAt: 1 }, expireAfterSeconds: KEPT_SECONDS }]);
  await questions.createIndexes([{ key: { askedAt: 1 }, expireAfterSeconds: KEPT_SECONDS }]);
}

async function answer({ questions }: Boards, { _id, targetId }: QuestionDocument, { node, test }: Serving): Promise<void> {
  const checks = await test(targetId);
  await questions.updateOne({ _id, open: node }, { $pull: { open: node }, $push: { answers: { node, checks } } });
}

type Times = Readonly<Record<'answerWithinMs' | 'liveForMs', number>>;

/** Silent from the start: nodes whose last sign is old by the clock of the server that wrote it, measured against the newest of all. */
async function ask({ nodes, questions }: Boards, targetId: string, { answerWithinMs, liveForMs }: Times): Promise<readonly TargetTestCheck[]> {
  const known = await nodes.find().toArray();
  if (known.length === 0) return [noWorkerCheck];
  const newest = Math.max(...known.map(({ seenAt }) => seenAt.getTime()));
  const live = known.filter(({ seenAt }) => newest - seenAt.getTime() < liveForMs).map(({ _id }) => _id);
  const _id = randomUUID();
  await questions.insertOne({ _id, targetId, askedAt: new Date(), open: live, answers: [] });
  const givenUpAt = performance.now() + answerWithinMs;
  for (;;) {
    const question = await questions.findOne({ _id });
    if (question === null || question.open.length === 0 || performance.now() > givenUpAt) {
      const answers = question?.answers ?? [];
      const silent = known.map((node) => node._id).filter((node) => !answers.some((one) => one.node === node));
      return [...answers.flatMap(({ node, checks }) => checks.map((check) => ({ ...check, ranOn: node }))), ...silent.map(silentCheck)];
    }
    await pause(LOOK_EVERY_MS);
  }
}
