// One object sent in parts from a few buffers that are used again and again: lib-storage makes new ones for each part, and giving those
// back costs more than a second of the processor and tens of megabytes for each gigabyte (docs/benchmarks.md). Takes nothing away again.
import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import type { CompletedPart, PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';

export interface ObjectToSend {
  readonly object: Omit<PutObjectCommandInput, 'Body'>;
  /** Bytes of each part but the last. */
  readonly partSize: number;
  /** How many parts may be under way while the next one is filled. */
  readonly atOnce: number;
  /** A part could not be sent: whoever fills the next one need not wait to learn it. */
  readonly onFailure: (error: unknown) => void;
}

export interface ObjectParts {
  /** Copies the bytes, and waits while too much is under way. Rejects with the SDK's error. */
  add(piece: Uint8Array): Promise<void>;
  /** Only then the object is there. Gives its version, where the bucket has versions; may be called once. */
  complete(): Promise<string | null>;
}

export function objectParts(client: S3Client, { object, partSize, atOnce, onFailure }: ObjectToSend): ObjectParts {
  const where = { Bucket: object.Bucket, Key: object.Key };
  const sent: CompletedPart[] = [];
  const underWay = new Set<Promise<unknown>>();
  const unused: Buffer<ArrayBuffer>[] = [];
  let parts = 0;
  let filling = Buffer.allocUnsafeSlow(partSize);
  let filled = 0;
  let uploadId: string | undefined;

  const begin = async (): Promise<string | undefined> => {
    const checksum = await client.config.requestChecksumCalculation() === 'WHEN_SUPPORTED' ? { ChecksumAlgorithm: 'CRC32' as const } : {};
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object, ...checksum }));
    return UploadId;
  };
  const sendPart = async (PartNumber: number, buffer: Buffer<ArrayBuffer>, length: number): Promise<void> => {
    const Body = buffer.subarray(0, length);
    const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand({ ...where, UploadId: uploadId, PartNumber, Body }));
    sent.push({ PartNumber, ETag, ChecksumCRC32 });
    unused.push(buffer);
  };
  const startPart = async (): Promise<void> => {
    uploadId ??= await begin();
    parts += 1;
    // One that failed stays, so that nothing is completed without it.
    const part: Promise<unknown> = sendPart(parts, filling, filled).then(() => underWay.delete(part));
    underWay.add(part);
    part.catch(onFailure);
  };
  const nextBuffer = async (): Promise<Buffer<ArrayBuffer>> => {
    while (underWay.size >= atOnce) await Promise.race(underWay);
    return unused.pop() ?? Buffer.allocUnsafeSlow(partSize);
  };

  return {
    async add(piece) {
      for (let at = 0; at < piece.length;) {
        if (filled === partSize) {
          await startPart();
          filling = await nextBuffer();
          filled = 0;
        }
        const taken = piece.subarray(at, at + partSize - filled);
        filling.set(taken, filled);
        filled += taken.length;
        at += taken.length;
      }
    },
    async complete() {
      if (parts === 0) return (await client.send(new PutObjectCommand({ ...object, Body: filling.subarray(0, filled) }))).VersionId ?? null;
      await startPart();
      await Promise.all(underWay);
      const Parts = sent.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
      const { VersionId } = await client.send(new CompleteMultipartUploadCommand({ ...where, UploadId: uploadId, MultipartUpload: { Parts } }));
      return VersionId ?? null;
    },
  };
}
