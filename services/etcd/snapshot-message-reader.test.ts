import { describe, expect, test } from '@jest/globals';
import { createSnapshotMessageReader, MalformedSnapshotMessage } from './snapshot-message-reader.js';

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...varint(Math.floor(value / 128))];
}

function frame(message: readonly number[]): number[] {
  return [0, 0, 0, Math.floor(message.length / 256), message.length % 256, ...message];
}

function fields(remaining: number, blob: readonly number[]): number[] {
  return [...(remaining > 0 ? [0x10, ...varint(remaining)] : []), 0x1a, ...varint(blob.length), ...blob];
}

const header = [0x0a, 3, 8, 150, 1];
const unknownFields = [0x22, 2, 0x33, 0x36, 0x28, 200, 1, 0x35, 1, 2, 3, 4, 0x39, 1, 2, 3, 4, 5, 6, 7, 8];
const longBlob = Array.from({ length: 300 }, (_, index) => index % 251);

const stream = Uint8Array.from([
  ...frame([...header, ...fields(5_000_000_000, longBlob), ...unknownFields]),
  ...frame([]),
  ...frame([...unknownFields, 0x1a, 0, ...fields(7, [0, 1, 2])]),
  ...frame([...fields(0, [9, 8, 7]), ...header]),
]);

function read(chunks: readonly Uint8Array[]): { blobs: number[]; messages: number[][]; whole: boolean } {
  const blobs: number[] = [];
  const messages: number[][] = [];
  const reader = createSnapshotMessageReader({
    blob: (piece) => { blobs.push(...piece); },
    message: (remaining, bytes) => { messages.push([remaining, bytes]); },
  });
  chunks.forEach((chunk) => { reader.push(chunk); });
  return { blobs, messages, whole: reader.atBoundary() };
}

const expected = {
  blobs: [...longBlob, 0, 1, 2, 9, 8, 7],
  messages: [[5_000_000_000, 300], [0, 0], [7, 3], [0, 3]],
  whole: true,
};

describe('snapshot messages', () => {
  test('are read alike wherever the bytes are split', () => {
    expect(read([stream])).toEqual(expected);
    for (let at = 0; at <= stream.length; at++) expect(read([stream.subarray(0, at), stream.subarray(at)])).toEqual(expected);
  });

  test('are read byte by byte', () => {
    expect(read(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  test('that stop anywhere inside a message are not whole', () => {
    const wholeAt = Array.from(stream.keys()).filter((at) => read([stream.subarray(0, at)]).whole);
    expect(wholeAt).toHaveLength(expected.messages.length);
  });

  test('pass blobs on as views, not as copies', () => {
    const pieces: Uint8Array[] = [];
    createSnapshotMessageReader({ blob: (piece) => pieces.push(piece), message: () => undefined }).push(stream);
    expect(pieces.every((piece) => piece.buffer === stream.buffer)).toBe(true);
  });

  test.each([
    ['a compressed frame', [1, 0, 0, 0, 0]],
    ['a field longer than its message', frame([0x1a, 5, 1])],
    ['a fixed field longer than its message', frame([0x35, 1])],
    ['a number that ends with its message', frame([0x10, 0x80])],
    ['a number of eleven bytes', frame([0x10, ...Array.from({ length: 10 }, () => 0xff), 1])],
    ['a group, which protobuf has given up', frame([0x0b, 1])],
  ])('refuse %s', (_name, bytes) => {
    expect(() => read([Uint8Array.from(bytes)])).toThrow(MalformedSnapshotMessage);
  });
});
