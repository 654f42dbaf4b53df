// Takes gRPC frames of etcdserverpb.SnapshotResponse apart as their bytes come, split anywhere, and passes the blobs on uncopied.
// Reads no sockets; fields it does not know (a header, a version) are skipped.

export interface SnapshotMessageSink {
  /** A view into the chunk that was pushed. */
  blob(piece: Uint8Array): void;
  /** After each message: its `remaining_bytes`, and how long its blob was. */
  message(remainingBytes: number, blobBytes: number): void;
}

export interface SnapshotMessageReader {
  /** @throws MalformedSnapshotMessage when the bytes are no such frames; nothing may be pushed after that. */
  push(chunk: Uint8Array): void;
  /** Whether the bytes so far end with a whole message. */
  atBoundary(): boolean;
}

export class MalformedSnapshotMessage extends Error {
  override readonly name = 'MalformedSnapshotMessage';
}

const REMAINING_BYTES = 2;
const BLOB = 3;
const PREFIX_BYTES = 5;
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

type Part = 'prefix' | 'tag' | 'remaining' | 'number' | 'length' | 'blob' | 'skipped';

export function createSnapshotMessageReader(sink: SnapshotMessageSink): SnapshotMessageReader {
  let part: Part = 'prefix';
  let prefixBytes = 0;
  let messageLeft = 0;
  let fieldLeft = 0;
  let field = 0;
  let varint = 0;
  let varintScale = 1;
  let remainingBytes = 0;
  let blobBytes = 0;

  const begin = (next: Part): void => {
    part = next;
    varint = 0;
    varintScale = 1;
  };
  const endField = (): void => {
    if (messageLeft > 0) return begin('tag');
    sink.message(remainingBytes, blobBytes);
    begin('prefix');
    prefixBytes = 0;
  };
  const beginMessage = (): void => {
    remainingBytes = 0;
    blobBytes = 0;
    endField();
  };
  const beginBytes = (length: number): void => {
    if (length > messageLeft) throw new MalformedSnapshotMessage(`a field of ${String(length)} bytes is longer than its message`);
    fieldLeft = length;
    part = field === BLOB ? 'blob' : 'skipped';
    if (length === 0) endField();
  };
  const readTag = (tag: number): void => {
    field = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === 0) return begin(field === REMAINING_BYTES ? 'remaining' : 'number');
    if (wireType === 2) return begin('length');
    const width = FIXED_BYTES[wireType];
    if (width === undefined) throw new MalformedSnapshotMessage(`a field has the unknown wire type ${String(wireType)}`);
    field = 0;
    beginBytes(width);
  };
  const endVarint = (): void => {
    if (part === 'tag') return readTag(varint);
    if (part === 'length') return beginBytes(varint);
    if (part === 'remaining') remainingBytes = varint;
    endField();
  };
  const takePrefixByte = (byte: number): void => {
    if (prefixBytes === 0 && byte !== 0) throw new MalformedSnapshotMessage(`a frame begins with ${String(byte)}, not with 0 (uncompressed)`);
    messageLeft = prefixBytes === 0 ? 0 : messageLeft * 256 + byte;
    prefixBytes += 1;
    if (prefixBytes === PREFIX_BYTES) beginMessage();
  };
  const takeVarintByte = (byte: number): void => {
    messageLeft -= 1;
    varint += (byte & 0x7f) * varintScale;
    varintScale *= 128;
    if (byte < 0x80) return endVarint();
    if (messageLeft === 0 || varintScale > 2 ** 63) throw new MalformedSnapshotMessage('a number does not end');
  };
  const takeBytes = (chunk: Uint8Array, from: number): number => {
    const until = Math.min(chunk.length, from + fieldLeft);
    const taken = until - from;
    messageLeft -= taken;
    fieldLeft -= taken;
    if (part === 'blob') {
      blobBytes += taken;
      sink.blob(from === 0 && until === chunk.length ? chunk : chunk.subarray(from, until));
    }
    if (fieldLeft === 0) endField();
    return until;
  };

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length;) {
        if (part === 'blob' || part === 'skipped') {
          at = takeBytes(chunk, at);
          continue;
        }
        const byte = chunk[at] ?? 0;
        if (part === 'prefix') takePrefixByte(byte);
        else takeVarintByte(byte);
        at += 1;
      }
    },
    atBoundary: () => part === 'prefix' && prefixBytes === 0,
  };
}
