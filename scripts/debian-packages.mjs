// Takes programs out of Debian's packages. It only unpacks: nothing is installed, so that no service starts on the machine.
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, runs } from './command.mjs';
import { say } from './dependencies.mjs';

/** Leaves `programs`, which the packages hold in usr/bin, in the folder `work`; gives why not where that fails. */
export function unpackDebian(work, packages, programs) {
  if (!runs('apt-get', ['--version'])) return 'Debian packages: there is no apt-get here';
  if (process.getuid?.() !== 0) return 'Debian packages: this needs root, and this is another user';
  say(`Not in PATH: ${programs.join(', ')}. Fetching Debian's ${packages.join(' and ')} …`);
  const failure = download(work, packages) ?? unpackAll(work) ?? takeOut(work, programs);
  return failure === undefined ? undefined : `Debian packages: ${failure}`;
}

function download(work, packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const update = attempt('apt-get', ['-qq', 'update'], { env });
  const fetched = attempt('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', ...packages], { env, cwd: work });
  if (fetched === undefined) return undefined;
  return update === undefined ? fetched : `${fetched} (before it: ${update})`;
}

function unpackAll(work) {
  return readdirSync(work).filter((name) => name.endsWith('.deb'))
    .map((archive) => attempt('dpkg-deb', ['-x', archive, 'files'], { cwd: work }))
    .find((failure) => failure !== undefined);
}

function takeOut(work, programs) {
  for (const program of programs) {
    const file = join(work, 'files', 'usr', 'bin', program);
    if (!existsSync(file)) return `they hold no usr/bin/${program}`;
    renameSync(file, join(work, program));
  }
  return undefined;
}
