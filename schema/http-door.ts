// One port for one Express application: opened, and closed within a bound. Nothing of what is served.
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { Express } from 'express';

export interface Door {
  /** For upgrades. */
  readonly server: Server;
  /** Rejects where the port cannot be had. Gives http://host:port. */
  open(): Promise<string>;
  /** Lets running requests end within a bound, and frees the port. */
  close(): Promise<void>;
}

const DRAIN_MS = 5000;

/** `port` 0: any free one. */
export function createDoor(app: Express, { host, port }: { readonly host: string; readonly port: number }): Door {
  const server = createServer(app);
  return {
    server,
    async open() {
      server.listen(port, host);
      await once(server, 'listening');
      return originOf(server, host);
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : Promise.resolve();
      server.close();
      server.closeIdleConnections();
      const bound = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(bound);
    },
  };
}

function originOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
