// The entry of every npm script: sets up what the step needs (dependencies, Node 24, etcd, age), runs it, ends with its exit code.
// Plain JavaScript without dependencies, for Node 20 too: on a fresh clone nothing else is there yet.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { ensureDependencies, findNode, root, say, SetupError } from './dependencies.mjs';
import { pathWithEncodingTools } from './encoding-tools.mjs';
import { pathWithEtcd } from './etcd.mjs';

const QUIET = '--disable-warning=ExperimentalWarning';
const module = (...path) => join('node_modules', ...path);
const tsc = (...args) => [module('typescript', 'bin', 'tsc'), ...args];
const jest = (...args) => [QUIET, '--experimental-vm-modules', module('jest', 'bin', 'jest.js'), '--maxWorkers=2', ...args];
// A small young generation: buffers of the snapshot stream are given back at once, which keeps the peak low (docs/benchmarks.md).
const LEAN = '--max-semi-space-size=1';
const dist = (...path) => [QUIET, LEAN, '--enable-source-maps', join('dist', ...path)];

const IMPORTING = ['--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', '.'];
const build = { name: 'build', args: tsc('-p', 'tsconfig.build.json') };
const lint = ['--max-warnings=0', '.'];

const TESTED = [pathWithEtcd, pathWithEncodingTools];

// A step is a list of commands, run one after the other until one fails; `programs` adds to PATH what they start besides Node.
const STEPS = {
  build: { commands: () => [build] },
  start: { commands: (rest) => [build, { name: 'snapkeep', args: [...dist('main.js'), ...rest] }] },
  'rotate-master-key': { commands: (rest) => [build, { name: 'snapkeep', args: [...dist('cli.js'), 'rotate-master-key', ...rest] }] },
  'log-copy': { commands: (rest) => [build, { name: 'snapkeep', args: [...dist('cli.js'), 'log', 'copy', ...rest] }] },
  demo: { programs: [pathWithEtcd], commands: (rest) => [build, { name: 'demo', args: [...dist('demo', 'demo.js'), ...rest] }] },
  bench: { programs: TESTED, commands: (rest) => [build, { name: 'bench', args: [...dist('bench', 'bench.js'), ...rest] }] },
  test: { programs: TESTED, commands: (rest) => [build, { name: 'tests', args: jest(...rest) }] },
  soak: {
    programs: TESTED,
    commands: (rest) => [build, { name: 'soak', args: jest('--testMatch=**/*.soak.ts', '--testTimeout=3600000', ...rest) }],
  },
  check: {
    programs: TESTED,
    commands: () => [
      { name: 'types', args: tsc('--noEmit', '-p', '.') },
      { name: 'lint', args: [module('eslint', 'bin', 'eslint.js'), ...lint] },
      { name: 'import rule', args: [module('dependency-cruiser', 'bin', 'dependency-cruiser.mjs'), ...IMPORTING] },
      build,
      ...schemaDrift(),
      { name: 'unit tests', args: jest('--testPathIgnorePatterns', '/node_modules/', '<rootDir>/test/') },
    ],
  },
};

function schemaDrift() {
  return existsSync(join(root, 'schema', 'emit.ts')) ? [{ name: 'schema drift', args: [...dist('schema', 'emit.js'), '--check'] }] : [];
}

async function main([name, ...rest]) {
  const step = STEPS[name];
  if (step === undefined) throw new SetupError(`There is no step "${name}". There are: ${Object.keys(STEPS).join(', ')}.`);
  await ensureDependencies();
  const node = findNode();
  const path = (step.programs ?? []).reduce((found, add) => add(found), process.env['PATH'] ?? '');
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${path}` };
  const commands = step.commands(rest);
  for (const command of commands) {
    if (commands.length > 2) say(`── ${command.name}`);
    const { code, signalled } = await run(node, command.args, env);
    if (code !== 0 && !signalled) say(`npm run ${name}: ${command.name} failed (exit code ${code}).`);
    if (code !== 0 || signalled) return code;
  }
  return 0;
}

// A signal is passed on to the child, whose way of ending decides ours; no further command starts after one.
function run(node, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd: root, env, stdio: 'inherit' });
    let signalled = false;
    const pass = (signal) => {
      signalled = true;
      child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const each of signals) process.off(each, pass);
      resolve({ code: code ?? 128 + constants.signals[signal], signalled });
    });
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
