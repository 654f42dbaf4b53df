// Fills an etcd with keys that look like those of a Kubernetes cluster, many in one transaction.
// The same arguments always write the same keys and values.
import { createHash } from 'node:crypto';
import { Etcd3 } from 'etcd3';
import type { EtcdConnection } from '../services/etcd/etcd.js';

export interface KeysToPut {
  readonly count: number;
  /** Bytes of each value; 300 by default. */
  readonly valueBytes?: number;
  /** Number of the first key; 0 by default. */
  readonly from?: number;
  /** Instead of `keyValue`. */
  readonly makeValue?: (index: number, valueBytes: number) => Buffer;
}

const KINDS = ['pods', 'configmaps', 'secrets', 'events', 'leases', 'deployments', 'services/endpoints'];
const MAX_KEYS_PER_TXN = 100;
const MAX_BYTES_PER_TXN = 1_000_000;
const TXNS_AT_ONCE = 8;

export function kubernetesKey(index: number): string {
  const kind = KINDS[index % KINDS.length] ?? 'pods';
  return `/registry/${kind}/namespace-${String(index % 23)}/object-${String(index).padStart(7, '0')}`;
}

/** Incompressible enough that a database has the size its values add up to. */
export function keyValue(index: number, valueBytes: number): Buffer {
  const seed = createHash('sha512').update(String(index)).digest();
  return Buffer.alloc(valueBytes, seed);
}

export async function putKeys(connection: EtcdConnection, { count, valueBytes = 300, from = 0, makeValue = keyValue }: KeysToPut): Promise<void> {
  const { ca, clientCertificate, clientKey, username, password } = connection;
  const credentials = ca === null ? {} : {
    credentials: { rootCertificate: Buffer.from(ca), certChain: Buffer.from(clientCertificate ?? ''), privateKey: Buffer.from(clientKey ?? '') },
  };
  const auth = username === null ? {} : { auth: { username, password: password ?? '' } };
  const client = new Etcd3({ hosts: [...connection.endpoints], ...credentials, ...auth });
  const perTxn = Math.max(1, Math.min(MAX_KEYS_PER_TXN, Math.floor(MAX_BYTES_PER_TXN / (valueBytes + 100))));
  let next = from;
  const putInTurn = async (): Promise<void> => {
    while (next < from + count) {
      const first = next;
      next = Math.min(from + count, first + perTxn);
      const puts = Array.from({ length: next - first }, (_, offset) => ({
        request_put: { key: Buffer.from(kubernetesKey(first + offset)), value: makeValue(first + offset, valueBytes) },
      }));
      await client.kv.txn({ compare: [], success: puts, failure: [] });
    }
  };
  try {
    await Promise.all(Array.from({ length: TXNS_AT_ONCE }, putInTurn));
  } finally {
    client.close();
  }
}
