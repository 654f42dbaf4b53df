// Finds age, age-keygen and zstd, which decode copies in tests, or fetches them from Debian's packages into .cache/encoding-tools.
// The service itself needs none of them. Plain JavaScript, no dependencies.
import { runs } from './command.mjs';
import { unpackDebian } from './debian-packages.mjs';
import { pathWithPrograms } from './program-cache.mjs';

const PROGRAMS = ['age', 'age-keygen', 'zstd'];

/** The PATH on which age, age-keygen and zstd are found. */
export function pathWithEncodingTools(path) {
  return pathWithPrograms(path, {
    folder: 'encoding-tools',
    programs: PROGRAMS,
    works: (candidate) => PROGRAMS.every((program) => runs(program, ['--version'], { env: { ...process.env, PATH: candidate } })),
    sources: [(work) => unpackDebian(work, ['age', 'zstd'], PROGRAMS)],
    remedy: 'Install them: on Debian or Ubuntu "apt-get install age zstd", on macOS "brew install age zstd", elsewhere '
      + 'see https://github.com/FiloSottile/age and https://github.com/facebook/zstd.',
  });
}
