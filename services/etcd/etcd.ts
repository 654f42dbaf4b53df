// The etcd port: what Snapkeep asks of a cluster (its members, their state, the stream of a snapshot) and how that fails.
// Says nothing of the wire; no keys are read or written through it.

export interface EtcdConnection {
  /** http or https URLs of members. */
  readonly endpoints: readonly string[];
  /** PEM; `null` means the certificate authorities Node.js trusts. */
  readonly ca: string | null;
  /** PEM, with `clientKey`, where etcd asks its clients for a certificate. */
  readonly clientCertificate: string | null;
  readonly clientKey: string | null;
  readonly username: string | null;
  readonly password: string | null;
}

export interface EtcdMember {
  /** Hexadecimal, as etcdctl prints it. */
  readonly memberId: string;
  /** Empty while the member has never started. */
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly learner: boolean;
}

export interface EtcdStatus {
  readonly endpoint: string;
  readonly memberId: string;
  readonly leader: boolean;
  readonly learner: boolean;
  readonly version: string;
  /** Bytes of the database file, what a snapshot of this member will have at most. */
  readonly dbSize: number;
  readonly revision: number;
  /** What the member complains of itself: no leader, NOSPACE, CORRUPT. */
  readonly complaints: readonly string[];
}

/** Pieces of the stream in their order, to be iterated once; a consumer that pauses pauses etcd, one that breaks off cancels. */
export interface SnapshotStream extends AsyncIterable<Uint8Array> {
  /** Bytes to come in all, the SHA-256 trailer included, as etcd announced them. */
  readonly totalBytes: number;
  /** Ends the stream without reading it; may be called at any time and twice. */
  readonly cancel: () => void;
}

export interface SnapshotRequest {
  readonly signal?: AbortSignal | undefined;
  /** How long etcd may be silent while bytes are wanted of it; the whole may take as long as it takes. */
  readonly idleTimeoutMs: number;
}

/** Every method rejects with an `EtcdError` and nothing else. */
export interface Etcd {
  /** From the first endpoint that answers; UNREACHABLE names what each one said. */
  members(signal?: AbortSignal): Promise<readonly EtcdMember[]>;
  status(endpoint: string, signal?: AbortSignal): Promise<EtcdStatus>;
  /**
   * Resolves with the first message. A stream that ends without all the announced bytes of the database throws STREAM_BROKEN;
   * whether the trailer is there and matches is for the reader to check.
   */
  openSnapshot(endpoint: string, request: SnapshotRequest): Promise<SnapshotStream>;
  /** Cancels what is under way; may be called twice. */
  close(): void;
}

export type ConnectEtcd = (connection: EtcdConnection) => Etcd;

export type EtcdErrorCode = 'UNREACHABLE' | 'TLS' | 'AUTH' | 'STREAM_STALLED' | 'STREAM_BROKEN' | 'CANCELLED' | 'BAD_ANSWER';

export class EtcdError extends Error {
  override readonly name = 'EtcdError';

  constructor(readonly code: EtcdErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
