// Jest's global setup: owns the servers of a test run. Each is started when the first test file asks for it, and shared by all.
// They end with this process, however it ends: the standard input of each is a pipe from here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPTS = { '/s3': 's3-server.mjs', '/mongodb': 'mongodb-server.mjs' };

export default async function ownServers() {
  const started = new Map();
  const owner = createServer(({ url }, response) => {
    // A connection that is kept would keep the run from ending.
    response.setHeader('connection', 'close');
    if (!started.has(url)) started.set(url, startServer(SCRIPTS[url]));
    started.get(url).then((line) => response.end(line), (error) => response.end(JSON.stringify({ unavailable: error.message })));
  }).listen(0, '127.0.0.1').unref();
  // A server may have to be built first.
  owner.requestTimeout = 0;
  await once(owner, 'listening');
  process.env.SNAPKEEP_TEST_SERVER_OWNER = `http://127.0.0.1:${owner.address().port}`;
}

async function startServer(script) {
  const path = fileURLToPath(new URL(`../scripts/${script}`, import.meta.url));
  const child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.unref();
  child.stdin.unref();
  const [line] = await once(createInterface(child.stdout), 'line');
  child.stdout.unref();
  return line;
}
