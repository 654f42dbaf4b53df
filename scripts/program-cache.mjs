// Programs that tests and demos need: found in PATH, or fetched once into a folder of .cache/ from the first source that has them.
// Where they come from is told by the caller; plain JavaScript, no dependencies.
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root, SetupError } from './dependencies.mjs';

/**
 * The PATH on which the programs are found. `wanted`: `folder` in .cache/; `programs`; `works(path)`, whether they run; `sources`, each
 * leaves the programs in the folder it is given or says why not; `remedy`, what a person can do where all of them fail.
 */
export function pathWithPrograms(path, { folder, programs, works, sources, remedy }) {
  if (works(path)) return path;
  const cache = join(root, '.cache', folder);
  const cached = `${cache}${delimiter}${path}`;
  if (works(cached)) return cached;
  const failures = [];
  for (const source of sources) {
    const failure = fetchFrom(source, cache, programs);
    if (failure === undefined && works(cached)) return cached;
    failures.push(`  ${failure ?? 'what was fetched does not run here'}`);
  }
  throw new SetupError(`${programs.join(' and ')} were not found in PATH, and could not be fetched:\n${failures.join('\n')}\n${remedy}`);
}

// Fetches into a folder of its own and renames the finished programs into place, so that two runs at once do no harm.
function fetchFrom(source, cache, programs) {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    const failure = source(work);
    if (failure !== undefined) return failure;
    for (const program of programs) renameSync(join(work, program), join(cache, program));
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
