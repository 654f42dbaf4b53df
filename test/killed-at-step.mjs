// Kills its process by SIGKILL just before the step whose number SNAPKEEP_TEST_KILL_AT_STEP gives: a write to the disk or a call of SQLite,
// counted from the first file that is removed, with which a rotation begins. To be preloaded by --import into child processes of tests.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync, StatementSync } from 'node:sqlite';

let left = Number(process.env.SNAPKEEP_TEST_KILL_AT_STEP);
let begun = false;

function countCalls(owner, name) {
  const original = owner[name];
  owner[name] = function counted(...args) {
    begun ||= name === 'rmSync';
    if (begun) left -= 1;
    if (begun && left === 0) process.kill(process.pid, 'SIGKILL');
    return original.apply(this, args);
  };
}

for (const name of ['writeSync', 'fsyncSync', 'renameSync', 'rmSync']) countCalls(fs, name);
for (const name of ['exec', 'close']) countCalls(DatabaseSync.prototype, name);
for (const name of ['run', 'get']) countCalls(StatementSync.prototype, name);
syncBuiltinESMExports();
