// Finds etcd and etcdctl, or fetches them into .cache/etcd: from Debian's packages, else from the official Docker image.
// Plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { attempt, lastLine, runs } from './command.mjs';
import { unpackDebian } from './debian-packages.mjs';
import { say } from './dependencies.mjs';
import { pathWithPrograms } from './program-cache.mjs';

const PROGRAMS = ['etcd', 'etcdctl'];
const IMAGE = 'quay.io/coreos/etcd:v3.5.21';

/** The PATH on which etcd and etcdctl are found. */
export function pathWithEtcd(path) {
  return pathWithPrograms(path, {
    folder: 'etcd',
    programs: PROGRAMS,
    works,
    sources: [(work) => unpackDebian(work, ['etcd-server', 'etcd-client'], PROGRAMS), fromDocker],
    remedy: 'Install them: on Debian or Ubuntu "apt-get install etcd-server etcd-client", on macOS "brew install etcd", elsewhere '
      + 'unpack a release of https://github.com/etcd-io/etcd/releases into a folder of PATH; or start Docker.',
  });
}

function works(path) {
  const env = { ...process.env, PATH: path, ETCDCTL_API: '3' };
  return PROGRAMS.every((program) => runs(program, [program === 'etcd' ? '--version' : 'version'], { env }));
}

function fromDocker(work) {
  if (process.platform !== 'linux') return `Docker: its image holds programs for Linux, and this is ${process.platform}`;
  if (!runs('docker', ['version'])) return 'Docker: there is no docker here, or its daemon does not answer';
  say(`Not in PATH: ${PROGRAMS.join(', ')}. Fetching them from the Docker image ${IMAGE} …`);
  const created = spawnSync('docker', ['create', IMAGE], { encoding: 'utf8' });
  if (created.status !== 0) return `Docker: ${lastLine(created.stderr)}`;
  const container = lastLine(created.stdout);
  try {
    return PROGRAMS.map((program) => attempt('docker', ['cp', `${container}:/usr/local/bin/${program}`, join(work, program)]))
      .find((failure) => failure !== undefined);
  } finally {
    runs('docker', ['rm', container]);
  }
}
