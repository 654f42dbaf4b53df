// The test board in MongoDB, for workers and APIs that are processes of their own: nodes that are live, questions, and their answers.
// Holds nothing for much longer than an hour. Workers ask for questions twice a second.
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
  /** Of the server's clock. */
  readonly askedAt: Date;
  /** Nodes that are to answer. */
  readonly open: readonly string[];
  readonly answers: readonly { readonly node: string; readonly checks: readonly TargetCheck[] }[];
}

interface Boards {
  readonly nodes: Collection<NodeDocument>;
  readonly questions: Collection<QuestionDocument>;
}

export interface TestBoardTimes {
  readonly answerWithinMs: number;
  readonly signEveryMs: number;
  /** A node that gave no sign for so long is silent, and after an hour forgotten. */
  readonly liveForMs: number;
}

const usual: TestBoardTimes = { answerWithinMs: ANSWER_WITHIN_MS, signEveryMs: 5_000, liveForMs: 15_000 };
const LOOK_EVERY_MS = 500;
const KEPT_MS = 3_600_000;

export function createMongoTestBoard(db: Db, times = usual): TestBoard {
  const boards: Boards = { nodes: db.collection('workers'), questions: db.collection('target_tests') };
  const asking = namingFailures('Tests of targets in MongoDB', 'Mongo', { ask: (targetId: unknown) => ask(boards, String(targetId), times) });
  return {
    serve(node, test, onTrouble) {
      const leaving = new AbortController();
      const served = serve(boards, { node, test, onTrouble, signEveryMs: times.signEveryMs, signal: leaving.signal });
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
  readonly signEveryMs: number;
  readonly signal: AbortSignal;
}

/** Signs of life go on while a question is being answered, which may take as long as the slowest store, and questions do not wait for each other. */
async function serve(boards: Boards, serving: Serving): Promise<void> {
  const { node, onTrouble, signEveryMs, signal } = serving;
  const answering = new Map<string, Promise<void>>();
  let signedAt = -Infinity;
  let told = false;
  // Told once for each outage: it goes on by itself.
  const trouble = (error: unknown): void => {
    if (!told) onTrouble(error);
    told = true;
  };
  const look = async (): Promise<void> => {
    if (performance.now() - signedAt >= signEveryMs) {
      await sign(boards, node);
      signedAt = performance.now();
    }
    for (const question of await boards.questions.find({ open: node }).toArray()) {
      const { _id } = question;
      if (!answering.has(_id)) answering.set(_id, answer(boards, question, serving).catch(trouble).finally(() => answering.delete(_id)));
    }
  };
  while (!signal.aborted) {
    await look().then(() => { told = false; }, trouble);
    await pause(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  await Promise.all([boards.nodes.deleteOne({ _id: node }).catch(onTrouble), ...answering.values()]);
}

/** Forgets what is old by the server's clock; indexes that do so are not on every server. */
async function sign({ nodes, questions }: Boards, node: string): Promise<void> {
  const signed = await nodes.findOneAndUpdate({ _id: node }, { $currentDate: { seenAt: true } }, { upsert: true, returnDocument: 'after' });
  if (signed === null) return;
  const old = { $lt: new Date(signed.seenAt.getTime() - KEPT_MS) };
  await nodes.deleteMany({ seenAt: old });
  await questions.deleteMany({ askedAt: old });
}

async function answer({ questions }: Boards, { _id, targetId }: QuestionDocument, { node, test }: Serving): Promise<void> {
  const checks = await test(targetId);
  await questions.updateOne({ _id, open: node }, { $pull: { open: node }, $push: { answers: { node, checks } } });
}

/** Waits for every node that gives signs of life, however late it answers within the bound, and not for one that has fallen silent. */
async function ask(
  { nodes, questions }: Boards, targetId: string, { answerWithinMs, liveForMs }: TestBoardTimes,
): Promise<readonly TargetTestCheck[]> {
  const known = (await nodes.find().toArray()).map((node) => node._id);
  if (known.length === 0) return [noWorkerCheck];
  const liveOf = watchSigns(liveForMs);
  const _id = randomUUID();
  await questions.updateOne({ _id }, { $setOnInsert: { targetId, open: known, answers: [] }, $currentDate: { askedAt: true } }, { upsert: true });
  const givenUpAt = performance.now() + answerWithinMs;
  for (;;) {
    const question = await questions.findOne({ _id });
    const live = liveOf(await nodes.find().toArray());
    if (!question?.open.some((node) => live.has(node)) || performance.now() > givenUpAt) return checksOf(known, question?.answers ?? []);
    await pause(LOOK_EVERY_MS);
  }
}

/** Live is whose sign is not old by the server's clock, beside the newest of all, and has not stood still for as long while it was watched. */
function watchSigns(liveForMs: number): (nodes: readonly NodeDocument[]) => ReadonlySet<string> {
  const seen = new Map<string, { readonly signedAt: number; readonly since: number }>();
  const isFresh = ({ _id, seenAt }: NodeDocument): boolean => {
    const [last, signedAt, now] = [seen.get(_id), seenAt.getTime(), performance.now()];
    if (last?.signedAt === signedAt) return now - last.since < liveForMs;
    seen.set(_id, { signedAt, since: now });
    return true;
  };
  return (nodes) => {
    const newest = Math.max(...nodes.map(({ seenAt }) => seenAt.getTime()));
    return new Set(nodes.filter((node) => isFresh(node) && newest - node.seenAt.getTime() < liveForMs).map(({ _id }) => _id));
  };
}

function checksOf(known: readonly string[], answers: QuestionDocument['answers']): readonly TargetTestCheck[] {
  const silent = known.filter((node) => !answers.some((one) => one.node === node));
  return [...answers.flatMap(({ node, checks }) => checks.map((check) => ({ ...check, ranOn: node }))), ...silent.map(silentCheck)];
}
