// Jest's global setup: owns the S3 server of a test run, which is started when the first test file asks for it, and shared by all.
// The server ends with this process, however it ends: its standard input is a pipe from here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../scripts/s3-server.mjs', import.meta.url));

export default async function ownS3Server() {
  let started = null;
  const owner = createServer((_, response) => {
    started ??= startS3Server();
    started.then((line) => response.end(line), (error) => response.end(JSON.stringify({ unavailable: error.message })));
  }).listen(0, '127.0.0.1').unref();
  await once(owner, 'listening');
  process.env.SNAPKEEP_TEST_S3_OWNER = `http://127.0.0.1:${owner.address().port}`;
}

async function startS3Server() {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.unref();
  child.stdin.unref();
  const [line] = await once(createInterface(child.stdout), 'line');
  child.stdout.unref();
  return line;
}
