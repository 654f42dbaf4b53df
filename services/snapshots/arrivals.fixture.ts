// For tests: what code under test hands over, to be awaited one by one in its order. Not a queue for anything else.

export function arrivals<T>() {
  const waiting: T[] = [];
  let wake: () => void = () => undefined;
  return {
    push(item: T) {
      waiting.push(item);
      wake();
    },
    async next(): Promise<T> {
      for (let item = waiting.shift(); ; item = waiting.shift()) {
        if (item !== undefined) return item;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    size: () => waiting.length,
  };
}
