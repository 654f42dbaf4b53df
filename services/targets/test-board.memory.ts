// The test board of one process: its worker is asked directly. For processes that share a database: test-board.mongo.ts.
import { setTimeout as pause } from 'node:timers/promises';
import { ANSWER_WITHIN_MS, noWorkerCheck, silentCheck } from './test-board.js';
import type { TargetTestCheck, TestBoard, TestTarget } from './test-board.js';

export function createMemoryTestBoard({ answerWithinMs } = { answerWithinMs: ANSWER_WITHIN_MS }): TestBoard {
  const workers = new Map<string, TestTarget>();
  return {
    serve(node, test) {
      workers.set(node, test);
      return async () => void workers.delete(node);
    },
    async ask(targetId) {
      const late = new AbortController();
      const answers = [...workers].map(([ranOn, test]) => Promise.race([
        test(targetId).then((checks): TargetTestCheck[] => checks.map((check) => ({ ...check, ranOn }))),
        pause(answerWithinMs, [silentCheck(ranOn)], { signal: late.signal, ref: false }),
      ]));
      try {
        return answers.length === 0 ? [noWorkerCheck] : (await Promise.all(answers)).flat();
      } finally {
        late.abort();
      }
    },
  };
}
