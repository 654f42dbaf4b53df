// Finds etcd and etcdctl, or fetches them into .cache/etcd: from Debian's packages, else from the official Docker image.
// It only unpacks: no package is installed, so that no etcd service starts on the machine. Plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root, say, SetupError } from './dependencies.mjs';

const TOOLS = ['etcd', 'etcdctl'];
const IMAGE = 'quay.io/coreos/etcd:v3.5.21';
const CACHE = join(root, '.cache', 'etcd');

/** The PATH on which etcd and etcdctl are found. */
export function pathWithEtcd(path = process.env['PATH'] ?? '') {
  if (works(path)) return path;
  const cached = `${CACHE}${delimiter}${path}`;
  if (works(cached)) return cached;
  const failures = [];
  for (const source of [fromDebian, fromDocker]) {
    const failure = fetchFrom(source);
    if (failure === undefined && works(cached)) return cached;
    failures.push(`  ${failure ?? 'what was fetched does not run here'}`);
  }
  throw new SetupError(
    `etcd and etcdctl were not found in PATH, and could not be fetched:\n${failures.join('\n')}\n`
    + 'Install them: on Debian or Ubuntu "apt-get install etcd-server etcd-client", on macOS "brew install etcd", elsewhere '
    + 'unpack a release of https://github.com/etcd-io/etcd/releases into a folder of PATH; or start Docker.',
  );
}

function works(path) {
  const env = { ...process.env, PATH: path, ETCDCTL_API: '3' };
  return TOOLS.every((tool) => spawnSync(tool, [tool === 'etcd' ? '--version' : 'version'], { env }).status === 0);
}

// Fetches into a folder of its own and renames the finished tools into place, so that two runs at once do no harm.
function fetchFrom(source) {
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    const failure = source(work);
    if (failure !== undefined) return failure;
    for (const tool of TOOLS) renameSync(join(work, tool), join(CACHE, tool));
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function fromDebian(work) {
  if (!runs('apt-get', ['--version'])) return 'Debian packages: there is no apt-get here';
  if (process.getuid?.() !== 0) return 'Debian packages: this needs root, and this is another user';
  say('No etcd in PATH: fetching Debian\'s etcd-server and etcd-client …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const update = attempt('apt-get', ['-qq', 'update'], { env });
  const download = ['-qq', '-o', 'APT::Sandbox::User=root', 'download', 'etcd-server', 'etcd-client'];
  const fetched = attempt('apt-get', download, { env, cwd: work });
  if (fetched !== undefined) return `Debian packages: ${fetched}${update === undefined ? '' : ` (before it: ${update})`}`;
  for (const archive of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
    const unpacked = attempt('dpkg-deb', ['-x', archive, 'files'], { cwd: work });
    if (unpacked !== undefined) return `Debian packages: ${unpacked}`;
  }
  for (const tool of TOOLS) {
    const file = join(work, 'files', 'usr', 'bin', tool);
    if (!existsSync(file)) return `Debian packages: they hold no usr/bin/${tool}`;
    renameSync(file, join(work, tool));
  }
  return undefined;
}

function fromDocker(work) {
  if (process.platform !== 'linux') return `Docker: its image holds programs for Linux, and this is ${process.platform}`;
  if (!runs('docker', ['version'])) return 'Docker: there is no docker here, or its daemon does not answer';
  say(`No etcd in PATH: fetching it from the Docker image ${IMAGE} …`);
  const created = spawnSync('docker', ['create', IMAGE], { encoding: 'utf8' });
  if (created.status !== 0) return `Docker: ${lastLine(created.stderr)}`;
  const container = lastLine(created.stdout);
  try {
    return TOOLS.map((tool) => attempt('docker', ['cp', `${container}:/usr/local/bin/${tool}`, join(work, tool)]))
      .find((failure) => failure !== undefined);
  } finally {
    runs('docker', ['rm', container]);
  }
}

const runs = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Runs a command; undefined when it succeeded, else what it said last. */
function attempt(command, args, options) {
  const run = spawnSync(command, args, { encoding: 'utf8', ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  if (run.status === 0) return undefined;
  return `${command} ${args[0] === '-qq' ? args.at(-1) : args[0]}: ${run.error?.message ?? lastLine(run.stderr)}`;
}

const lastLine = (text) => text.trim().split('\n').at(-1) ?? '';
