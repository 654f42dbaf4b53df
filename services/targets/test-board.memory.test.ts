import { testBoardContract } from './test-board.contract.js';
import { createMemoryTestBoard } from './test-board.memory.js';

testBoardContract(createMemoryTestBoard);
