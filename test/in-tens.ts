// Work on many things with a bound on how many are under way.

/** Ten at a time, until all are done. */
export async function inTens<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 10 }, lane));
}
