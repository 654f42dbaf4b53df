// Programs in Go that tests run, built into .cache/ once for each content of their folder. Modules come as the machine's Go is set up.
// Not which programs there are: each has a folder under test/services/.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError } from './dependencies.mjs';

const BUILD_WITHIN_MS = 240_000;

/** The path of the program; the first time takes about a minute. Throws SetupError where it cannot be built here. */
export function goProgram(name, folder) {
  const source = join(root, 'test', 'services', folder);
  if (!existsSync(source)) throw new SetupError(`test/services/${folder}, to build it from, is not there`);
  const cache = join(root, '.cache', `${folder}-${contentHash(source)}`);
  const program = join(cache, name);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  // Built beside and renamed, so that two test processes at once do no harm.
  const work = mkdtempSync(join(cache, 'build-'));
  try {
    goBuild(source, join(work, name));
    renameSync(join(work, name), program);
    return program;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function goBuild(cwd, output) {
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' };
  const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', output, '.'];
  const { status, stderr, error } = spawnSync('go', args, { cwd, env, encoding: 'utf8', timeout: BUILD_WITHIN_MS });
  if (error) throw new SetupError(`go does not run (${error.message})`);
  if (status !== 0) throw new SetupError(`go build failed: ${stderr.trim().split('\n').slice(-3).join(' ')}`);
}

function contentHash(folder) {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}
