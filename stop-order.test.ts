import { expect, test } from '@jest/globals';
import { createStopOrder } from './stop-order.js';

function arrange() {
  const said: string[] = [];
  const order = createStopOrder((name, error) => said.push(`${name} failed: ${String(error)}`));
  const add = (name: string, takesWork: boolean, ended: Promise<void> = Promise.resolve()): void => order.add({
    name, takesWork, stop: async () => {
      said.push(`${name} begins`);
      await ended;
      said.push(`${name} ended`);
    },
  });
  return { said, order, add };
}

test('all that takes work is told at once, and what it stands on goes last, in reverse', async () => {
  const { said, order, add } = arrange();
  const drained = Promise.withResolvers<void>();
  add('log', false);
  add('vault', false);
  add('worker', true, drained.promise);
  add('server', true, drained.promise);
  const stopped = order.stop();
  expect(said).toEqual(['worker begins', 'server begins']);
  drained.resolve();
  await stopped;
  expect(said.slice(2)).toEqual(['worker ended', 'server ended', 'vault begins', 'vault ended', 'log begins', 'log ended']);
  expect(order.unended()).toEqual([]);
});

test('a part that does not end is named, with those that wait for it', () => {
  const { order, add } = arrange();
  add('log', false);
  add('worker', true, Promise.withResolvers<void>().promise);
  void order.stop();
  expect(order.unended()).toEqual(['log', 'worker']);
});

test('a part that fails to stop is told, and the others are stopped', async () => {
  const { said, order, add } = arrange();
  add('log', false);
  add('worker', true, Promise.reject(new Error('no')));
  await order.stop();
  expect(said).toEqual(['worker begins', 'worker failed: Error: no', 'log begins', 'log ended']);
});
