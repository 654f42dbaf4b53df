// One member's unary calls through etcd3: connection, deadline, authentication token, and errors as the port wants them.
// Not the Snapshot stream; etcd3's own authentication is not used, because it never closes the connections it makes for it.
import { InterceptingCall, status as grpcStatus } from '@grpc/grpc-js';
import type { CallOptions, Interceptor } from '@grpc/grpc-js';
import { Etcd3, EtcdInvalidAuthTokenError } from 'etcd3';
import type { IOptions } from 'etcd3';
import { rootCertificates } from 'node:tls';
import type { EtcdConnection } from './etcd.js';
import { etcdFailure, failureOfCall } from './etcd-failure.js';

const CALL_DEADLINE_MS = 5_000;

export interface EtcdMemberClient {
  call<T>(run: (client: Etcd3, options: CallOptions) => Promise<T>): Promise<T>;
  /** A token made now; `null` without a user, or where authentication is off. */
  freshToken(): Promise<string | null>;
  close(): void;
}

export function createMemberClient(connection: EtcdConnection, endpoint: string): EtcdMemberClient {
  let client: Etcd3 | null = null;
  let token: Promise<string | null> | null = null;

  const reset = (): void => {
    client?.close();
    client = null;
    token = null;
  };
  const attempt = async <T>(run: (client: Etcd3, options: CallOptions) => Promise<T>, options: CallOptions): Promise<T> => {
    try {
      client ??= new Etcd3(clientOptions(connection, endpoint));
      return await run(client, options);
    } catch (error) {
      if (isStaleToken(error)) throw error;
      const failure = failureOfCall(endpoint, error);
      // etcd3 would refuse further calls for seconds after a few failures (its circuit breaker); a new client tries for real.
      if (failure.code === 'UNREACHABLE' || failure.code === 'TLS') reset();
      throw failure;
    }
  };
  const authenticate = async (): Promise<string | null> => {
    const { username: name, password } = connection;
    if (name === null) return null;
    try {
      const answer = await attempt((etcd, options) => etcd.auth.authenticate({ name, password: password ?? '' }, options), inTime());
      return answer.token;
    } catch (error) {
      // As etcdctl does: a user given where authentication is off (yet) is no error.
      if (String(error).includes('authentication is not enabled')) return null;
      throw error;
    }
  };
  const freshToken = (): Promise<string | null> => {
    const fresh = authenticate();
    token = fresh;
    fresh.catch(() => { if (token === fresh) token = null; });
    return fresh;
  };
  return {
    async call(run) {
      try {
        return await attempt(run, withToken(await (token ?? freshToken())));
      } catch (error) {
        if (!isStaleToken(error)) throw error;
      }
      const renewed = await freshToken();
      return attempt(run, withToken(renewed)).catch((error: unknown) => {
        throw isStaleToken(error) ? etcdFailure('AUTH', endpoint, 'it refuses the token it has just given', error) : error;
      });
    },
    freshToken,
    close: reset,
  };
}

class StaleToken extends Error {
  override readonly name = 'StaleToken';
}

function isStaleToken(error: unknown): boolean {
  return error instanceof StaleToken || error instanceof EtcdInvalidAuthTokenError;
}

function inTime(): CallOptions {
  return { deadline: Date.now() + CALL_DEADLINE_MS };
}

function withToken(token: string | null): CallOptions {
  return token === null ? inTime() : { ...inTime(), interceptors: [tokenInterceptor(token)] };
}

/** etcd3 repeats a call whose token was refused with the same options, for ever: the second time is refused here. */
function tokenInterceptor(token: string): Interceptor {
  let refused = false;
  return (options, nextCall) => {
    if (refused) throw new StaleToken('The token has expired');
    return new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        metadata.set('token', token);
        next(metadata, {
          onReceiveStatus(received, passOn) {
            refused = received.code === grpcStatus.UNAUTHENTICATED;
            passOn(received);
          },
        });
      },
    });
  };
}

function clientOptions(connection: EtcdConnection, endpoint: string): IOptions {
  const options: IOptions = { hosts: endpoint, grpcOptions: { 'grpc.max_receive_message_length': -1 } };
  if (!endpoint.startsWith('https:')) return options;
  const { ca, clientCertificate, clientKey } = connection;
  const rootCertificate = Buffer.from(ca ?? rootCertificates.join('\n'));
  if (clientCertificate === null || clientKey === null) return { ...options, credentials: { rootCertificate } };
  return { ...options, credentials: { rootCertificate, certChain: Buffer.from(clientCertificate), privateKey: Buffer.from(clientKey) } };
}
