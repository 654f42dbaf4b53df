// The etcd port on etcd3, one client for each endpoint so that a status is that member's, and on our own Snapshot reader.
// Chooses no member and tries nothing again; that is for whoever runs the snapshot.
import type { SecureContextOptions } from 'node:tls';
import { EtcdError } from './etcd.js';
import type { Etcd, EtcdConnection, EtcdMember, EtcdStatus } from './etcd.js';
import { etcdFailure } from './etcd-failure.js';
import { createMemberClient } from './etcd-member-client.js';
import type { EtcdMemberClient } from './etcd-member-client.js';
import { openSnapshotStream } from './snapshot-stream.js';

/** Connects to nothing until it is asked something. */
export function connectEtcd(connection: EtcdConnection): Etcd {
  const clients = new Map<string, EtcdMemberClient>();
  const closing = new AbortController();

  const clientFor = (endpoint: string): EtcdMemberClient => {
    const client = clients.get(endpoint) ?? createMemberClient(connection, endpoint);
    clients.set(endpoint, client);
    return client;
  };
  const untilAborted = (signal?: AbortSignal): AbortSignal => signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
  const membersBy = async (endpoint: string): Promise<readonly EtcdMember[]> => {
    const { members } = await clientFor(endpoint).call((client, options) => client.cluster.memberList({}, options));
    return members.map((member) => ({
      memberId: hexId(member.ID), name: member.name, clientUrls: member.clientURLs, learner: member.isLearner,
    }));
  };
  const statusOf = async (endpoint: string): Promise<EtcdStatus> => {
    const answer = await clientFor(endpoint).call((client, options) => client.maintenance.status(options));
    return {
      endpoint,
      memberId: hexId(answer.header.member_id),
      leader: answer.leader !== '0' && answer.leader === answer.header.member_id,
      learner: answer.isLearner,
      version: answer.version,
      dbSize: Number(answer.dbSize),
      revision: Number(answer.header.revision),
      complaints: answer.errors,
    };
  };

  return {
    async members(signal) {
      const until = untilAborted(signal);
      const failures: EtcdError[] = [];
      for (const endpoint of connection.endpoints) {
        try {
          return await abortable(() => membersBy(endpoint), until, endpoint);
        } catch (error) {
          if (!(error instanceof EtcdError) || error.code === 'CANCELLED') throw error;
          failures.push(error);
        }
      }
      throw allFailed(failures);
    },
    status: (endpoint, signal) => abortable(() => statusOf(endpoint), untilAborted(signal), endpoint),
    async openSnapshot(endpoint, request) {
      const signal = untilAborted(request.signal);
      const token = await abortable(() => clientFor(endpoint).freshToken(), signal, endpoint);
      return openSnapshotStream({ endpoint, tls: secureContext(connection), token, signal, idleTimeoutMs: request.idleTimeoutMs });
    },
    close() {
      closing.abort();
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

/** etcd3 answers in decimal and in strings, since an id has 64 bits. */
function hexId(decimal: string): string {
  return BigInt(decimal).toString(16);
}

function secureContext({ ca, clientCertificate, clientKey }: EtcdConnection): SecureContextOptions {
  return {
    ...(ca === null ? {} : { ca }),
    ...(clientCertificate === null ? {} : { cert: clientCertificate }),
    ...(clientKey === null ? {} : { key: clientKey }),
  };
}

/** etcd3 cannot cancel a unary call: the caller is let go at once, the call itself ends by its deadline. */
async function abortable<T>(run: () => Promise<T>, signal: AbortSignal, endpoint: string): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => { aborted.reject(etcdFailure('CANCELLED', endpoint, 'the call was cancelled')); };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([aborted.promise, signal.aborted ? aborted.promise : run()]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function allFailed(failures: readonly EtcdError[]): EtcdError {
  const [first] = failures;
  if (first === undefined) return new EtcdError('UNREACHABLE', 'etcd: the cluster has no endpoints; give it at least one');
  const telling = failures.find((failure) => failure.code !== 'UNREACHABLE') ?? first;
  const message = failures.map((failure) => failure.message).join(' | ');
  return failures.length === 1 ? first : new EtcdError(telling.code, message, { cause: failures });
}
