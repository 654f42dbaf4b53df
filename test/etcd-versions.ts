// Which versions of etcd tests can run on: the one on PATH, and those built from test/services/etcd-* where Go is at hand.
// Builds into .cache/, once for each content of those folders; a version that cannot be had is named with the reason.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface EtcdVersion {
  /** Major and minor: `3.5`. */
  readonly version: string;
  /** For `startEtcd({ binary })`. */
  readonly binary: string;
}

export interface EtcdVersions {
  readonly available: readonly EtcdVersion[];
  /** Not run, and why. */
  readonly missing: readonly { readonly version: string; readonly reason: string }[];
}

const WANTED = ['3.4', '3.5', '3.6'];
const BUILD_WITHIN_MS = 240_000;
const root = join(import.meta.dirname, '..');

/** Takes about a minute for each version the first time, and then nothing. */
export function etcdVersions(): EtcdVersions {
  const onPath = versionOf('etcd');
  const available: EtcdVersion[] = onPath === null ? [] : [{ version: onPath, binary: 'etcd' }];
  const missing: { version: string; reason: string }[] = [];
  for (const version of WANTED.filter((wanted) => wanted !== onPath)) {
    const built = build(version);
    if ('binary' in built) available.push({ version, binary: built.binary });
    else missing.push({ version, reason: built.reason });
  }
  return { available, missing };
}

function versionOf(binary: string): string | null {
  const { stdout, error } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return error ? null : /etcd Version: (\d+\.\d+)/.exec(stdout)?.[1] ?? null;
}

function build(version: string): { binary: string } | { reason: string } {
  const source = join(root, 'test', 'services', `etcd-${version}`);
  if (!existsSync(source)) return { reason: 'it is not on PATH and cannot be built from modules' };
  const folder = join(root, '.cache', `etcd-${version}-${contentHash(source)}`);
  const binary = join(folder, 'etcd');
  if (existsSync(binary)) return { binary };
  mkdirSync(folder, { recursive: true });
  // Built beside and renamed, so that two test processes at once do no harm.
  const work = mkdtempSync(join(folder, 'build-'));
  try {
    const failure = goBuild(source, join(work, 'etcd'));
    if (failure !== null) return { reason: failure };
    renameSync(join(work, 'etcd'), binary);
    return { binary };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function goBuild(cwd: string, output: string): string | null {
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' };
  const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', output, '.'];
  const { status, stderr, error } = spawnSync('go', args, { cwd, env, encoding: 'utf8', timeout: BUILD_WITHIN_MS });
  if (error) return `it is not on PATH, and go does not run (${error.message})`;
  return status === 0 ? null : `go build failed: ${stderr.trim().split('\n').slice(-3).join(' ')}`;
}

function contentHash(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}
