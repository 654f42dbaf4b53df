// Reads pages of a database file in batches, neighbours together, and keeps account of which pages were met.
// Memory is one buffer per level of the tree and one bit per page; nothing of the content is judged here.
import type { FileHandle } from 'node:fs/promises';
import { structureInvalid } from './bbolt-page.js';

/** Pages asked for at once; together with what is bridged between them they fill at most one buffer. */
const BATCH_BYTES = 256 * 1024;
/** Gaps up to this size are read through: one large read costs less than two small ones, and holds the overflow pages. */
const BRIDGED_BYTES = 32 * 1024;
const BUFFER_BYTES = 2 * 1024 * 1024;

export interface Layout {
  readonly pageSize: number;
  readonly pageCount: number;
}

export interface PageReader extends Layout {
  readonly batch: number;
  /** Each page with as much of what follows it as was read anyway. Valid until the next batch of the same level. */
  pages(ids: readonly number[], level: number): Promise<Buffer[]>;
  bytes(page: number, offset: number, length: number): Promise<Buffer>;
  /** Notes a page and its overflow as in use, each once. */
  claim(id: number, overflow: number): void;
}

export function pageReader(file: FileHandle, layout: Layout): PageReader {
  const { pageSize, pageCount } = layout;
  const met = new Uint8Array(Math.ceil(pageCount / 8));
  const buffers: Buffer[] = [];

  const fill = async (target: Buffer, position: number): Promise<void> => {
    const { bytesRead } = await file.read(target, 0, target.length, position);
    if (bytesRead < target.length) throw structureInvalid(Math.floor(position / pageSize), 'the file ends inside it');
  };
  const assertPage = (id: number): void => {
    if (id >= 2 && id < pageCount) return;
    throw structureInvalid(id, `it is referred to, but the pages go from 2 to ${pageCount - 1}`);
  };

  return {
    ...layout,
    batch: Math.max(1, Math.floor(BATCH_BYTES / pageSize)),
    pages: async (ids, level) => {
      ids.forEach(assertPage);
      const buffer = (buffers[level] ??= Buffer.allocUnsafeSlow(BUFFER_BYTES));
      const found = new Map<number, Buffer>();
      let used = 0;
      const reads = runsOf(ids, layout).map(({ first, last, ids: members }) => {
        const size = (last - first + 1) * pageSize;
        const run = buffer.subarray(used, used + size);
        used += size;
        for (const id of members) found.set(id, run.subarray((id - first) * pageSize));
        return fill(run, first * pageSize);
      });
      await Promise.all(reads);
      return ids.flatMap((id) => found.get(id) ?? []);
    },
    bytes: async (page, offset, length) => {
      const bytes = Buffer.alloc(length);
      await fill(bytes, page * pageSize + offset);
      return bytes;
    },
    claim: (id, overflow) => {
      assertPage(id);
      if (id + overflow >= pageCount) {
        throw structureInvalid(id, `its ${overflow} overflow pages reach beyond the last page ${pageCount - 1}`);
      }
      for (let page = id; page <= id + overflow; page += 1) {
        const bit = 1 << (page & 7);
        if (((met[page >> 3] ?? 0) & bit) !== 0) throw structureInvalid(page, 'it is in use twice');
        met[page >> 3] = (met[page >> 3] ?? 0) | bit;
      }
    },
  };
}

interface Run {
  readonly first: number;
  readonly last: number;
  readonly ids: readonly number[];
}

function runsOf(ids: readonly number[], { pageSize }: Layout): Run[] {
  const runs: { first: number; last: number; ids: number[] }[] = [];
  let bridges = BUFFER_BYTES - BATCH_BYTES;
  for (const id of [...ids].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    const gap = run === undefined ? Infinity : (id - run.last - 1) * pageSize;
    if (run !== undefined && gap <= Math.min(BRIDGED_BYTES, bridges)) {
      bridges -= Math.max(0, gap);
      run.last = id;
      run.ids.push(id);
    } else runs.push({ first: id, last: id, ids: [id] });
  }
  return runs;
}
