// Which target roots this node has used before, in one small file of its data directory.
// It tells a root that is new from one whose disk is not mounted; the marker in the root itself is another file's matter.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { errorCode } from '../snapshots/step-failure.js';

export interface TargetRoots {
  usedBefore(targetId: string, root: string): Promise<boolean>;
  /** A root that the target was used at before, other than this one; null for none. */
  otherRoot(targetId: string, root: string): Promise<string | null>;
  /** Durable when it returns; may be repeated. */
  remember(targetId: string, root: string): Promise<void>;
}

const rootSchema = z.strictObject({ targetId: z.string(), root: z.string() });
const rootsSchema = z.strictObject({ version: z.literal(1), roots: z.array(rootSchema) });
type Roots = z.infer<typeof rootsSchema>['roots'];

/** One owner per file: the process that holds the data directory. */
export function openTargetRoots(file: string): TargetRoots {
  let writing: Promise<void> = Promise.resolve();
  const holds = (roots: Roots, targetId: string, root: string): boolean =>
    roots.some((known) => known.targetId === targetId && known.root === root);
  const add = async (targetId: string, root: string): Promise<void> => {
    const roots = await readRoots(file);
    if (!holds(roots, targetId, root)) await writeRoots(file, [...roots, { targetId, root }]);
  };
  return {
    usedBefore: async (targetId, root) => holds(await readRoots(file), targetId, root),
    otherRoot: async (targetId, root) => (await readRoots(file)).find((known) => known.targetId === targetId && known.root !== root)?.root ?? null,
    remember: (targetId, root) => {
      const added = writing.then(() => add(targetId, root));
      writing = added.catch(() => undefined);
      return added;
    },
  };
}

async function readRoots(file: string): Promise<Roots> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  return rootsSchema.parse(JSON.parse(text)).roots;
}

async function writeRoots(file: string, roots: Roots): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const part = `${file}.part`;
  const handle = await open(part, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ version: 1, roots }, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
