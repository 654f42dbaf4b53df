// Which versions of etcd tests can run on: the one on PATH, and those built from test/services/etcd-* where Go is at hand.
// How they are built is in scripts/go-program.mjs; a version that cannot be had is named with the reason.
import { spawnSync } from 'node:child_process';
import { goProgram } from '../scripts/go-program.mjs';

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
  try {
    return { binary: goProgram('etcd', `etcd-${version}`) };
  } catch (error) {
    return { reason: `it is not on PATH, and ${error instanceof Error ? error.message : String(error)}` };
  }
}
