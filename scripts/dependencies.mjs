// Brings node_modules in line with package-lock.json and finds the Node 24 that comes with it.
// Plain JavaScript without dependencies: it runs before anything is installed, on Node 20 too.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const WANTED_MAJOR = 24;
const NODE = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const LOCK = join(root, '.cache', 'install.lock');

/** A failure whose message tells a person what to do; shown without a stack. */
export class SetupError extends Error {}

export const say = (text) => process.stderr.write(`${text}\n`);

/** Installs if anything of package-lock.json is missing, and touches no network otherwise. */
export async function ensureDependencies() {
  if (installed()) return;
  await underLock(() => {
    if (!installed()) install();
  });
}

/** The path of a Node of at least version 24: the installed one, else the one that runs this. */
export function findNode() {
  if (majorOf(NODE) >= WANTED_MAJOR) return NODE;
  if (Number.parseInt(process.versions.node, 10) >= WANTED_MAJOR) return process.execPath;
  throw new SetupError(
    `Snapkeep needs Node ${WANTED_MAJOR} or newer; this is ${process.version}, and the npm package "node", which brings it, `
    + `has no working binary at ${NODE}.\nIts install script must be allowed to run: try "npm rebuild node" (without --ignore-scripts), `
    + `or install Node ${WANTED_MAJOR} from https://nodejs.org.`,
  );
}

function majorOf(binary) {
  if (!existsSync(binary)) return 0;
  const run = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return run.status === 0 ? Number.parseInt(run.stdout.slice(1), 10) : 0;
}

// npm writes node_modules/.package-lock.json last, and it lists what is really there: its contents count, not file times.
function installed() {
  const there = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (there === undefined || wanted === undefined) return false;
  const names = Object.keys(wanted).filter((name) => name !== '');
  return names.every((name) => sameVersion(wanted[name], there[name])) && existsSync(NODE);
}

function sameVersion(wanted, there) {
  if (there === undefined) return wanted.optional === true || wanted.devOptional === true || wanted.peer === true;
  return there.version === wanted.version;
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function install() {
  say('Installing the dependencies that package-lock.json names, Node 24 among them …');
  const began = Date.now();
  // Without node_modules/.bin in PATH: `npm ci` removes the Node that it would find there.
  const own = join(root, 'node_modules');
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((dir) => !dir.startsWith(own));
  const env = { ...process.env, PATH: path.join(delimiter) };
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev'];
  const run = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], env, shell: process.platform === 'win32' });
  if (run.error) throw new SetupError(`Installing the dependencies failed: npm did not start (${run.error.message}). Install npm.`);
  if (run.status !== 0) {
    throw new SetupError('Installing the dependencies failed, see npm\'s message above. Is the npm registry reachable from here?');
  }
  say(`Dependencies installed in ${Math.round((Date.now() - began) / 1000)} s.`);
}

/** Runs one installation at a time in this folder: `npm ci` begins by removing node_modules. */
async function underLock(work) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  for (let told = false; !takeLock(); told = true) {
    if (!told) say(`Another run (process ${lockHolder()}) installs dependencies here: waiting for it …`);
    await pause(500);
  }
  try {
    work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

function takeLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = lockHolder();
  if (Number.isInteger(holder) && !isAlive(holder)) rmSync(LOCK, { force: true });
  return false;
}

function lockHolder() {
  try {
    return Number.parseInt(readFileSync(LOCK, 'utf8'), 10);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
