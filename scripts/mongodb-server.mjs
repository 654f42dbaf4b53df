// A MongoDB for tests, on loopback and a free port: Docker's, else FerretDB on SQLite where Go is at hand, which stands in for it.
// Prints one line of JSON, { url, kind } or { unavailable }, and serves until its stdin ends.
import { connect } from 'node:net';
import { say } from './dependencies.mjs';
import { goProgram } from './go-program.mjs';
import { freePort, needDocker, serve, serveFirst, untilServed } from './owned-server.mjs';

const IMAGE = 'mongo:8.0.15';

async function startDocker() {
  needDocker();
  const port = await freePort();
  serve('docker', ['run', '--rm', '--interactive', '--tmpfs', '/data/db', '--publish', `127.0.0.1:${port}:27017`, IMAGE]);
  return served(port, 'mongodb');
}

async function startFerret(folder) {
  say('No MongoDB here: FerretDB stands in for it, built with Go where it was not before …');
  const program = goProgram('ferretdb', 'mongodb-ferretdb');
  const port = await freePort();
  serve(program, [folder, String(port)]);
  return served(port, 'ferretdb');
}

async function served(port, kind) {
  await untilServed(port, () => greets(port));
  return { url: `mongodb://127.0.0.1:${port}`, kind };
}

/** OP_MSG with { ping: 1, $db: "admin" }: Docker's proxy takes connections before the server does. */
const PING = Buffer.from('330000000100000000000000dd0700000000000000' + '1e0000001070696e67000100000002246462000600000061646d696e0000', 'hex');

function greets(port) {
  const { promise, resolve } = Promise.withResolvers();
  const socket = connect(port, '127.0.0.1', () => socket.end(PING));
  socket.once('data', () => resolve(true)).once('error', () => resolve(false)).once('close', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

await serveFirst('MongoDB', [startDocker, startFerret]);
