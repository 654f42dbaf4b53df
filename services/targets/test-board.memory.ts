// The test board of one process: its worker is asked directly.
import { noWorkerCheck } from './test-board.js';
import type { TestBoard, TestTarget } from './test-board.js';

export function createMemoryTestBoard(): TestBoard {
  const workers = new Map<string, TestTarget>();
  return {
    serve(node, test) {
      workers.set(node, test);
      return async () => void workers.delete(node);
    },
    async ask(targetId) {
      const answers = [...workers].map(async ([ranOn, test]) => (await test(targetId)).map((check) => ({ ...check, ranOn })));
      return answers.length === 0 ? [noWorkerCheck] : (await Promise.all(answers)).flat();
    },
  };
}
