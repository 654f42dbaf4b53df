// A stand-in for EventStoreDB on a real port, in this process, for tests only: it can be killed, hang, be slow, start slowly, lose answers
// and come back with an older database. What it answers is in eventstoredb-calls.ts, what it keeps in eventstoredb-log.ts.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server as TcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { type Metadata, Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js';
import type { CertificateFiles } from '../../tls-certificates.js';
import { addCalls, type CallGate } from './eventstoredb-calls.js';
import { type AppendOutcome, createEventLog, type EventLog } from './eventstoredb-log.js';
import { notReady, unauthenticated } from './eventstoredb-refusals.js';

export interface StandInOptions {
  /** With TLS, only this user may do anything. */
  readonly secure?: { readonly certificate: CertificateFiles; readonly user: string; readonly password: string };
}

export interface EventStoreDbStandIn {
  /** Host and port. */
  readonly address: string;
  readonly log: EventLog;
  /** As kill -9: connections are reset; of the appends under way every second one has been stored. */
  readonly kill: () => Promise<void>;
  /** On the same port, with what was stored. */
  readonly start: () => Promise<void>;
  /** As SIGSTOP: calls are taken and not answered, until `thaw`, which answers them. */
  hang(): void;
  thaw(): void;
  /** Before each answer, in ms. */
  setDelay(ms: number): void;
  /** While false, as in the first seconds after a start. */
  setReady(ready: boolean): void;
  /** What every call is answered with, until null. */
  setRefusal(refusal: ServiceError | null): void;
  /** The next appends are stored, and the connection reset before their answers. */
  loseAnswers(count: number): void;
  /** How many calls have come. */
  readonly calls: () => number;
}

export async function startEventStoreDbStandIn({ secure }: StandInOptions = {}): Promise<EventStoreDbStandIn> {
  const log = createEventLog();
  const sockets = new Set<Socket>();
  let life = 0;
  let delay = 0;
  let refusal: ServiceError | null = null;
  let toLose = 0;
  let underWay = 0;
  let calls = 0;
  let thawed: PromiseWithResolvers<void> | null = null;

  const resetAll = (): void => sockets.forEach((socket) => (socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy()));
  const gate = (ownLife: number): CallGate => ({
    async pass(metadata) {
      calls += 1;
      if (secure && !isUser(metadata, secure)) throw unauthenticated();
      if (delay > 0) await passed(delay);
      await thawed?.promise;
      if (refusal) throw refusal;
    },
    store(append): AppendOutcome | 'no answer' {
      if (ownLife !== life) {
        underWay += 1;
        if (underWay % 2 === 0) append();
        return 'no answer';
      }
      const outcome = append();
      if (toLose === 0) return outcome;
      toLose -= 1;
      resetAll();
      return 'no answer';
    },
  });

  const start = async (atPort: number): Promise<TcpServer> => {
    log.appendSystemRecord();
    const server = new Server();
    addCalls(server, log, gate(life));
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    const accept = (socket: Socket): void => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
      injector.injectConnection(socket);
    };
    const listening = secure ? createTlsServer({ ...pairOf(secure.certificate), ALPNProtocols: ['h2'] }, accept) : createServer(accept);
    await once(listening.listen(atPort, '127.0.0.1'), 'listening');
    return listening;
  };
  let tcp = await start(0);
  const { port } = tcp.address() as AddressInfo;

  return {
    address: `127.0.0.1:${port}`,
    log,
    async kill() {
      life += 1;
      resetAll();
      tcp.close();
      await once(tcp, 'close');
    },
    async start() {
      tcp = await start(port);
    },
    hang() {
      thawed ??= Promise.withResolvers();
    },
    thaw() {
      thawed?.resolve();
      thawed = null;
    },
    setDelay(ms) {
      delay = ms;
    },
    setReady(ready) {
      refusal = ready ? null : notReady();
    },
    setRefusal(given) {
      refusal = given;
    },
    loseAnswers(count) {
      toLose = count;
    },
    calls: () => calls,
  };
}

function pairOf({ certificate, key }: CertificateFiles): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certificate), key: readFileSync(key) };
}

function isUser(metadata: Metadata, { user, password }: { readonly user: string; readonly password: string }): boolean {
  return metadata.get('authorization')[0] === `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function passed(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}
