// Watches that the keys of one bucket ascend, within and across pages, and lie between their branches' keys.
// Keeps a copy of one key only; the pages' buffers may be reused once `settle` was called.

export interface KeyOrder {
  /** The next key in the bucket; false if it does not ascend or lies before its branch's key. */
  next(bytes: Buffer, start: number, size: number): boolean;
  /** The key a branch gives for the child that follows: after all keys before it, not after the child's first. */
  branch(bytes: Buffer, start: number, size: number): boolean;
  /** Call when a page is done. */
  settle(): void;
  lastKey(): Buffer | null;
}

interface Place {
  bytes: Buffer;
  start: number;
  size: number;
}

export function keyOrder(): KeyOrder {
  const last: Place = { bytes: Buffer.alloc(0), start: 0, size: 0 };
  let any = false;
  let own = Buffer.alloc(64);
  let floor: Buffer | null = null;
  const set = (bytes: Buffer, start: number, size: number): void => {
    last.bytes = bytes;
    last.start = start;
    last.size = size;
  };

  return {
    next: (bytes, start, size) => {
      if (any && compare(last, bytes, start, size) >= 0) return false;
      if (floor !== null && compare({ bytes: floor, start: 0, size: floor.length }, bytes, start, size) > 0) return false;
      floor = null;
      any = true;
      set(bytes, start, size);
      return true;
    },
    branch: (bytes, start, size) => {
      if (any && compare(last, bytes, start, size) >= 0) return false;
      if (floor !== null && compare({ bytes: floor, start: 0, size: floor.length }, bytes, start, size) > 0) return false;
      floor = Buffer.from(bytes.subarray(start, start + size));
      return true;
    },
    settle: () => {
      if (last.bytes === own) return;
      if (last.size > own.length) own = Buffer.alloc(last.size);
      last.bytes.copy(own, 0, last.start, last.start + last.size);
      set(own, 0, last.size);
    },
    lastKey: () => (any ? Buffer.from(last.bytes.subarray(last.start, last.start + last.size)) : null),
  };
}

/** As bytes.Compare does; a loop, since a native call costs more than the 17 bytes of etcd's keys. */
function compare(left: Place, right: Buffer, start: number, size: number): number {
  const length = Math.min(left.size, size);
  for (let i = 0; i < length; i += 1) {
    const difference = (left.bytes[left.start + i] ?? 0) - (right[start + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.size - size;
}
