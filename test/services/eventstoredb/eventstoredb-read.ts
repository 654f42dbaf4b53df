// The reads of the stand-in for EventStoreDB: a page of a stream, a page of the log, or a filtered subscription to the log.
// Spoken by the client package's own stubs.
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { EventLog, LogRecord } from './eventstoredb-log.js';
import { invalidReadPosition, invalidSubscriptionPosition } from './eventstoredb-refusals.js';

type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

export async function answerRead(log: EventLog, call: ReadCall, signal: AbortSignal): Promise<void> {
  const options = call.request.getOptions() ?? new streams.ReadReq.Options();
  if (options.hasSubscription()) return subscribe(log, options, call, signal);
  const page = options.hasStream() ? streamPage(log, options) : logPage(log, options).map(eventAnswer);
  for (const answer of page) await send(call, answer, signal);
}

function streamPage(log: EventLog, options: ReadReq.Options): readonly ReadResp[] {
  const wanted = options.getStream();
  const records = log.stream(Buffer.from(wanted?.getStreamIdentifier()?.getStreamName_asU8() ?? '').toString());
  const first = wanted?.hasRevision() ? Number(wanted.getRevision()) : 0;
  if (records) return records.filter(({ revision }) => revision >= first).slice(0, Number(options.getCount())).map(eventAnswer);
  const notFound = new streams.ReadResp.StreamNotFound().setStreamIdentifier(wanted?.getStreamIdentifier());
  return [new streams.ReadResp().setStreamNotFound(notFound)];
}

/** From a position inclusively forwards, exclusively backwards. */
function logPage({ records }: EventLog, options: ReadReq.Options): readonly LogRecord[] {
  const position = positionIn(options);
  if (isBetweenRecords(records, position)) throw invalidReadPosition();
  const count = Number(options.getCount());
  if (options.getReadDirection() === streams.ReadReq.Options.ReadDirection.FORWARDS) {
    return records.filter((record) => position === null || record.position >= position).slice(0, count);
  }
  return records.filter((record) => position === null || record.position < position).slice(-count).reverse();
}

/** A position beyond the end is taken without a word, and what is written below it passed over. */
async function subscribe(log: EventLog, options: ReadReq.Options, call: ReadCall, signal: AbortSignal): Promise<void> {
  const after = positionIn(options) ?? -1n;
  if (isBetweenRecords(log.records, positionIn(options))) throw invalidSubscriptionPosition();
  const { prefixes, window } = filterIn(options);
  await send(call, new streams.ReadResp().setConfirmation(new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('stand-in')), signal);
  let seen = 0;
  const sendWhatIsThere = async (): Promise<void> => {
    for (let record = log.records[seen]; record && !signal.aborted; record = log.records[seen]) {
      seen += 1;
      const matches = record.position > after && prefixes.some((prefix) => record?.stream.startsWith(prefix));
      if (matches) await send(call, eventAnswer(record), signal);
      if (seen % window === 0) await send(call, checkpointAnswer(record.position), signal);
    }
  };
  await sendWhatIsThere();
  await send(call, new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()), signal);
  while (!signal.aborted) {
    const grown = log.grown(signal);
    await sendWhatIsThere();
    await grown;
  }
}

function eventAnswer({ id, stream, revision, position, type, contentType, data, metadata }: LogRecord): ReadResp {
  const event = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(id))
    .setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64')))
    .setStreamRevision(String(revision))
    .setCommitPosition(String(position))
    .setPreparePosition(String(position))
    .setData(data)
    .setCustomMetadata(metadata);
  event.getMetadataMap().set('type', type).set('content-type', contentType).set('created', '0');
  return new streams.ReadResp().setEvent(new streams.ReadResp.ReadEvent().setEvent(event).setCommitPosition(String(position)));
}

function checkpointAnswer(position: bigint): ReadResp {
  const checkpoint = new streams.ReadResp.Checkpoint().setCommitPosition(String(position)).setPreparePosition('0');
  return new streams.ReadResp().setCheckpoint(checkpoint);
}

/** Waits where the client reads slower than we write. */
async function send(call: ReadCall, answer: ReadResp, signal: AbortSignal): Promise<void> {
  if (signal.aborted || call.write(answer)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  call.once('drain', resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

/** `window`: a checkpoint comes once for so many records. */
function filterIn(options: ReadReq.Options): { prefixes: readonly string[]; window: number } {
  const filter = options.getFilter();
  if (!filter) return { prefixes: [''], window: Infinity };
  return { prefixes: filter.getStreamIdentifier()?.getPrefixList() ?? [], window: filter.getMax() * filter.getCheckpointintervalmultiplier() };
}

/** Null: from the start, or from the end backwards. */
function positionIn(options: ReadReq.Options): bigint | null {
  const all = options.getAll();
  return all?.hasPosition() ? BigInt(all.getPosition()?.getCommitPosition() ?? '0') : null;
}

function isBetweenRecords(records: readonly LogRecord[], position: bigint | null): boolean {
  const end = records.at(-1)?.position ?? -1n;
  return position !== null && position <= end && !records.some((record) => record.position === position);
}
