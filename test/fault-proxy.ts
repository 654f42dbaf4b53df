// A TCP proxy in front of etcd that breaks what flows back to the client, on command and while it runs.
// Works beneath TLS and HTTP/2 alike, and knows neither; faults in the messages themselves are in snapshot-fault-proxy.ts.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

/** `afterBytes` counts what one connection has brought back to its client; choose more than a unary call needs. */
export type ConnectionFault =
  | { readonly kind: 'cut' | 'flip' | 'stall'; readonly afterBytes: number }
  /** New connections are closed at once, and those there are. */
  | { readonly kind: 'refuse' };

export interface FaultProxy<Fault> {
  /** The URL to give to the client in place of etcd's. */
  readonly endpoint: string;
  /** From now on, also for connections that are open; `null` ends the fault. */
  readonly setFault: (fault: Fault | null) => void;
  /** How often a fault has struck. */
  readonly strikes: () => number;
  /** Resolves when a fault strikes next. */
  readonly nextStrike: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy<ConnectionFault>> {
  const url = new URL(target);
  const sockets = new Set<Socket>();
  const strikes = createStrikeCount();
  let fault: ConnectionFault | null = null;

  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    return socket.on('close', () => sockets.delete(socket));
  };
  const destroyAll = (): void => { sockets.forEach((socket) => socket.destroy()); };
  const server = createServer((client) => {
    track(client);
    if (fault?.kind === 'refuse') {
      strikes.add();
      client.destroy();
      return;
    }
    const etcd = track(connect(Number(url.port), url.hostname));
    client.on('close', () => etcd.destroy());
    etcd.on('close', () => client.destroy());
    client.pipe(etcd);
    let passed = 0;
    client.on('drain', () => etcd.resume());
    etcd.on('data', (chunk: Buffer) => {
      const sent = struck(chunk, passed, fault, { strike: strikes.add, destroy: () => client.destroy(), stall: () => etcd.pause() });
      passed += chunk.length;
      if (sent.length > 0 && !client.destroyed && !client.write(sent)) etcd.pause();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    endpoint: `${url.protocol}//127.0.0.1:${String(portOf(server.address()))}`,
    setFault(next) {
      fault = next;
      if (next?.kind === 'refuse') destroyAll();
    },
    strikes: strikes.count,
    nextStrike: strikes.next,
    async close() {
      destroyAll();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Striker {
  readonly strike: () => void;
  readonly destroy: () => void;
  readonly stall: () => void;
}

/** What of the chunk still goes to the client. */
function struck(chunk: Buffer, passed: number, fault: ConnectionFault | null, striker: Striker): Buffer {
  if (fault === null || fault.kind === 'refuse' || passed + chunk.length <= fault.afterBytes) return chunk;
  const at = fault.afterBytes - passed;
  if (fault.kind === 'flip') {
    if (at < 0) return chunk;
    striker.strike();
    chunk[at] = (chunk[at] ?? 0) ^ 0xff;
    return chunk;
  }
  striker.strike();
  if (fault.kind === 'cut') setImmediate(striker.destroy);
  else striker.stall();
  return chunk.subarray(0, Math.max(0, at));
}

export function createStrikeCount(): { add: () => void; count: () => number; next: () => Promise<void> } {
  let count = 0;
  let next = Promise.withResolvers<undefined>();
  return {
    add() {
      count += 1;
      next.resolve(undefined);
      next = Promise.withResolvers();
    },
    count: () => count,
    next: async () => { await next.promise; },
  };
}

export function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (typeof address !== 'object' || address === null) throw new Error('The proxy does not listen on a port');
  return address.port;
}
